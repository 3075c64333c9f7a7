#include "xlstm/cuda/norms.h"

#include <algorithm>
#include <variant>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda::norms {
namespace {

// Of norms.cu.
constexpr std::int64_t kUnit = 8, kMostUnits = 8 * 128, kRows = 16;
constexpr std::size_t kGateWarps = 16;

// Numbers of a tile's row that has whole units, which change places by eights (tiles.cuh).
constexpr std::int64_t kSwapped = 64;

std::size_t shared_bytes(std::int64_t D, std::int64_t N) {
  const std::size_t tile = static_cast<std::size_t>(kRows * D) * size_of(DType::kBF16);
  return std::max(tile, kGateWarps * static_cast<std::size_t>(kRows * N) * sizeof(float));
}

}  // namespace

bool fits_units(const Tensor& x) {
  const std::int64_t D = x.shape()[1];
  return x.dtype() == DType::kBF16 && D % kUnit == 0 && D <= kUnit * kMostUnits;
}

void by_units(Workspace& work, const Tensor& x, const Norm& norm, float eps, const Tensor& y) {
  work.programs().launch("norms", "rms_norm_units_bf16",
                         {.x = static_cast<unsigned>(x.shape()[0]), .threads = 128},
                         work.pointer(x), work.pointer(norm.weight), work.pointer(norm.bias),
                         work.to_write(y), narrow(x.shape()[1] / kUnit), eps);
}

bool fits_gates(Workspace& work, const Tensor& x, const Dense& gates) {
  const auto* const W = std::get_if<Tensor>(&gates.weight);
  if (W == nullptr || W->dtype() != DType::kF32 || x.dtype() != DType::kBF16) return false;
  const std::int64_t N = W->shape()[0], D = x.shape()[1];
  return (N == 8 || N == 16 || N == 32) && D % kSwapped == 0 &&
         shared_bytes(D, N) <= static_cast<std::size_t>(work.device().dynamic_shared_bytes());
}

std::pair<Tensor, Tensor> with_gates(Workspace& work, const Tensor& x, const Norm& norm, float eps,
                                     const Dense& gates) {
  const auto& W = std::get<Tensor>(gates.weight);
  const std::int64_t M = x.shape()[0], D = x.shape()[1], N = W.shape()[0];
  check_shape("mlstm_projections", "gates", W, {N, D});
  if (gates.bias) check_shape("mlstm_projections", "bias", gates.bias, {N});
  Tensor y = work.allocate({M, D}, x.dtype(), "rms_norm");
  Tensor products = work.allocate({M, N}, DType::kF32, "gates");
  work.programs().launch(
      "norms", str("norm_gates_", N),
      {.x = blocks_for(M, kRows), .threads = 32 * kGateWarps, .shared = shared_bytes(D, N)},
      work.pointer(x), work.pointer(norm.weight), work.pointer(norm.bias), work.to_write(y),
      work.pointer(W), work.pointer(gates.bias), work.to_write(products), narrow(M), narrow(D),
      eps);
  return {std::move(y), std::move(products)};
}

}  // namespace xlstm::cuda::norms
