#include "xlstm/cpu/causal_conv.h"

#include <vector>

#include "xlstm/backend/check.h"
#include "xlstm/cpu/cpu_tensor.h"
#include "xlstm/cpu/row_tokens.h"
#include "xlstm/kernels/causal_conv1d/causal_conv1d.h"

namespace xlstm::cpu {
namespace {
constexpr const char* kOp = "causal_conv1d";
}  // namespace

void transpose_taps(const Tensor& W, float* taps) {
  const std::size_t C = length(W.shape()[0]), K = length(W.shape()[1]);
  for (std::size_t at = 0; at < C * K; ++at) taps[at % K * C + at / K] = floats_of(W)[at];
}

void run_causal_conv(ThreadPool& threads, const Tensor& x, const CausalConv& weights,
                     LayerState state, const Tensor& y) {
  check_axes(kOp, "W", weights.weight, 2);
  const std::int64_t K = weights.weight.shape()[0], C = weights.weight.shape()[1];
  check_dtype(kOp, "W", weights.weight, DType::kF32);
  check_shape(kOp, "bias", weights.bias, {C});
  check_dtype(kOp, "bias", weights.bias, DType::kF32);
  check_shape(kOp, "x", x, {x.shape().rows(), C});
  check_dtype(kOp, "x", x, DType::kF32);
  auto& batch = static_cast<CpuStates&>(state.batch);
  std::vector<kernels::ConvRow> rows;
  for (const RowTokens& tokens : row_tokens(kOp, batch, x.shape()[0])) {
    rows.push_back(
        {batch.writable(rows.size(), state.first, {K - 1, C}, kOp), tokens.first, tokens.count});
  }
  kernels::causal_conv1d(threads, {rows.size(), length(C), length(K)},
                         {floats_of(x), floats_of(weights.weight), floats_of(weights.bias),
                          rows.data(), floats_of(y)});
}

}  // namespace xlstm::cpu
