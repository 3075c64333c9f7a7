#include "xlstm/cuda/headwise.h"

#include "xlstm/backend/check.h"
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

// Of headwise.cu.
constexpr std::int64_t kThreads = 256, kWarps = kThreads / 32, kTile = 64, kMostRows = 8;
constexpr std::int64_t kShort = 32;  // inputs of a head that one thread multiplies

}  // namespace

Tensor headwise_linear(Workspace& work, const Tensor& x, const Headwise& weights) {
  constexpr const char* kOp = "headwise_linear";
  check_headwise(x, weights);
  const TensorShape& W = weights.weight.shape();
  const std::int64_t T = x.shape()[0], G = W[0], O = W[1], I = W[2], H = x.shape()[1] / I;
  const Tensor y = work.allocate({T, G * O}, x.dtype(), kOp);
  if (y.elements() == 0) return y;
  const HeadwiseArgs args = {.x = work.pointer(x),
                             .W = work.pointer(weights.weight),
                             .bias = work.pointer<const float>(weights.bias),
                             .y = work.to_write(y),
                             .T = narrow(T),
                             .H = narrow(H),
                             .I = narrow(I),
                             .G = narrow(G),
                             .O = narrow(O)};
  const char* way = "tiles_";
  Grid grid = {.x = blocks_for(T, kTile), .y = blocks_for(O, kTile), .z = blocks_for(G, 1)};
  if (I <= kShort || O < kTile / 4) {
    way = "threads_";
    grid = {.x = element_blocks(y.elements())};
  } else if (T <= kMostRows) {
    way = "warps_";
    grid = {.x = blocks_for(G * O, kWarps)};
  }
  work.programs().launch(
      "headwise",
      str("headwise_", way, type_name(x.dtype()), "_", type_name(weights.weight.dtype())), grid,
      args);
  return y;
}

}  // namespace xlstm::cuda
