#include "xlstm/model/xlstm_original/slstm_storage.h"

#include <cstring>
#include <vector>

namespace xlstm::xlstm_original {
namespace {

// [A, M, N] -> [A, N, M], of any element type.
Tensor swap_last_axes(Backend& b, const Tensor& x, std::size_t A, std::size_t M, std::size_t N) {
  const auto length = [](std::size_t size) { return static_cast<std::int64_t>(size); };
  Tensor out = b.allocate({length(A), length(N), length(M)}, x.dtype(), "R");
  const std::size_t size = size_of(x.dtype());
  const std::byte* from = b.read(x).data();
  std::byte* const to = b.writable(out).data();
  for (std::size_t a = 0; a < A; ++a) {
    for (std::size_t m = 0; m < M; ++m) {
      for (std::size_t n = 0; n < N; ++n, from += size) {
        std::memcpy(to + ((a * N + n) * M + m) * size, from, size);
      }
    }
  }
  return out;
}

}  // namespace

SlstmWeights slstm_weights(const LayerWeights& w, const OriginalSlstmSpec& spec) {
  if (!spec.is_vanilla) return w.slstm("cell.R", "cell.bias");
  constexpr std::size_t kGates = 4;
  Backend& b = w.backend();
  const auto NH = static_cast<std::size_t>(spec.NH), DH = static_cast<std::size_t>(spec.DH);
  // The bias is [4, NH, DH]: heads go before gates.
  std::vector<float> heads(NH * kGates * DH);
  const Tensor bias = w.tensor("cell.bias");
  const std::span<const float> gates = b.read_floats(bias);
  for (std::size_t gate = 0; gate < kGates; ++gate) {
    for (std::size_t head = 0; head < NH; ++head) {
      std::memcpy(&heads[(head * kGates + gate) * DH], &gates[(gate * NH + head) * DH],
                  DH * sizeof(float));
    }
  }
  return b.prepare(SlstmWeights{swap_last_axes(b, w.tensor("cell.R"), NH, kGates * DH, DH),
                                b.floats({spec.NH, 4 * spec.DH}, heads)});
}

}  // namespace xlstm::xlstm_original
