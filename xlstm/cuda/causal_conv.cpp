#include "xlstm/cuda/causal_conv.h"

#include "xlstm/backend/check.h"
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {

Tensor causal_conv1d(Workspace& work, const Tensor& x, const CausalConv& weights,
                     LayerState state) {
  constexpr const char* kOp = "causal_conv1d";
  constexpr int kTokens = 16;  // of a thread
  auto& batch = static_cast<CudaStates&>(state.batch);
  const auto B = static_cast<std::int64_t>(batch.rows());
  check_causal_conv1d(x, weights, B);
  check_dtype(kOp, "W", weights.weight, DType::kF32);
  const std::int64_t S = x.shape()[0] / B, C = x.shape()[1], K = weights.weight.shape()[1];
  const Tensor y = work.allocate(x.shape(), x.dtype(), kOp);
  if (y.elements() == 0) return y;
  CausalConvArgs args = {.x = work.pointer(x),
                         .W = work.pointer<const float>(weights.weight),
                         .bias = work.pointer<const float>(weights.bias),
                         .y = work.to_write(y),
                         .window = nullptr,
                         .B = narrow(B),
                         .S = narrow(S),
                         .C = narrow(C),
                         .K = narrow(K),
                         .tokens = kTokens};
  if (K > 1) {
    args.window = reinterpret_cast<float* const*>(batch.addresses(state.first, {K - 1, C}, kOp));
  }
  const std::string type = type_name(x.dtype());
  const Grid grid = {.x = blocks_for(C, 128),
                     .y = blocks_for(S, kTokens),
                     .z = static_cast<unsigned>(B),
                     .threads = 128};
  work.programs().launch("causal_conv", str("causal_conv_", type, K == 4 ? "_4" : ""), grid, args);
  if (grid.y > 1) {
    work.programs().launch("causal_conv", str("causal_conv_window_", type),
                           {.x = grid.x, .z = grid.z, .threads = grid.threads}, args);
  }
  return y;
}

}  // namespace xlstm::cuda
