#include <algorithm>

#include "xlstm/model/model.h"
#include "xlstm/model/weights_loader.h"

namespace xlstm {
namespace {

constexpr std::uint64_t kFloat = sizeof(float);

std::uint64_t unsigned_of(std::int64_t size) {
  return static_cast<std::uint64_t>(size);
}

// Where ops run when they are called: the stream and the activations of the layer that is at work;
// besides, what products pack: a block of rows together, and on each thread a panel of weights.
std::uint64_t eager_segment(const Plan& plan, std::uint64_t tokens, std::uint64_t threads) {
  constexpr std::uint64_t kPackedRows = std::uint64_t{2} << 20, kPanel = std::uint64_t{1} << 19;
  std::int64_t floats = 0, thread_floats = 0;
  for (const Layer& layer : plan.layers) {
    floats = std::max(floats, layer.eager_floats);
    thread_floats = std::max(thread_floats, layer.thread_floats);
  }
  return kFloat * unsigned_of(plan.D + floats) * tokens + kPackedRows +
         threads * (kFloat * unsigned_of(thread_floats) + kPanel);
}

// A graph's nodes are queued ahead of their evaluation, so that the arrays of a layer or two are
// alive together: activations, and the old state, what is kept of it, and the new one.
std::uint64_t lazy_segment(const Plan& plan, std::uint64_t tokens, std::uint64_t batch) {
  std::int64_t floats = 0, before = 0;
  std::uint64_t state = 0, state_before = 0;
  for (const Layer& layer : plan.layers) {
    floats = std::max(floats, before + layer.lazy_floats);
    state = std::max(state, state_before + layer.state_bytes());
    before = layer.lazy_floats;
    state_before = layer.state_bytes();
  }
  return kFloat * unsigned_of(plan.D + floats) * tokens + 3 * batch * state;
}

}  // namespace

MemoryEstimate estimate_memory(const Plan& plan, Backend& backend, DType dtype, int batch,
                               const std::optional<QuantizationRecipe>& quantization) {
  MemoryEstimate out;
  std::uint64_t largest = 0;
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      const std::uint64_t bytes = memory_bytes(plan, layer, parameter, {dtype, quantization});
      out.weights += bytes;
      largest = std::max(largest, bytes);
      if (quantization) largest = std::max(largest, std::min(layer.bytes, kMostPiece));
    }
  }
  const auto B = static_cast<std::uint64_t>(batch);
  out.state = plan.state_bytes() * B;
  const std::uint64_t tokens =
      std::max({unsigned_of(backend.segment_tokens()), unsigned_of(kSegmentMultiple) * B,
                unsigned_of(plan.pass_tokens)});
  const std::uint64_t segment = backend.is_lazy()
                                    ? lazy_segment(plan, tokens, B)
                                    : eager_segment(plan, tokens, backend.threads().size());
  // Logits with what sampling makes of them; a step that may not write in place (a fork holds the
  // state) needs a second one.
  const std::uint64_t logits = 3 * kFloat * B * unsigned_of(plan.V);
  out.workspace = std::max(segment + logits + out.state, largest);
  return out;
}

}  // namespace xlstm
