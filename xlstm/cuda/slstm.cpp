#include "xlstm/cuda/slstm.h"

#include <algorithm>
#include <limits>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/type_names.h"

namespace xlstm::cuda {
namespace {

constexpr const char* kOp = "slstm_scan";
constexpr std::int64_t kThreads = 256;       // of slstm.cu
constexpr std::int64_t kFewTokens = 4;       // for which R is not worth keeping
constexpr std::size_t kReserved = 16 << 10;  // bytes of shared memory that blocks have besides

// Bytes of shared memory of a block, without R. As in slstm.cu.
std::size_t own_bytes(std::int64_t DH, std::int64_t units, std::int64_t rows) {
  const std::int64_t slices = std::max<std::int64_t>(kThreads / units, 1), items = rows * units;
  const std::int64_t outputs = 2 * rows * ((DH + 3) / 4 * 4), states = (3 * items + 3) / 4 * 4;
  return sizeof(float) *
         static_cast<std::size_t>(4 * slices * items + outputs + 4 * units + states);
}

// Cycles of a token, about: what a block multiplies and reads, and the way to the other blocks.
double cycles(const SlstmSizes& s, const SlstmDevice& device, const SlstmPlan& plan) {
  const double weights = static_cast<double>(4 * s.DH * s.DH / plan.blocks);
  const double clusters = static_cast<double>(s.NH * ((s.B + plan.rows - 1) / plan.rows));
  const double rounds = std::max(1.0, clusters * plan.blocks / device.multiprocessors);
  const double products = weights * plan.rows / 100;
  const double reads = weights * static_cast<double>(s.weight_bytes) / (plan.resident ? 100 : 40);
  return rounds * (std::max(products, reads) + 600 + (plan.blocks > 1 ? 400 : 0));
}

}  // namespace

SlstmPlan plan_slstm(const SlstmSizes& s, const SlstmDevice& device) {
  SlstmPlan best{};
  double fewest = std::numeric_limits<double>::infinity();
  for (const int blocks : {1, 2, 4, 8}) {
    if (s.DH % blocks != 0 || (blocks > 1 && !device.clusters)) continue;
    const std::int64_t units = s.DH / blocks;
    for (const int rows : {1, 4, 8}) {
      const std::size_t own = own_bytes(s.DH, units, rows);
      const std::size_t R = 4 * static_cast<std::size_t>(s.DH * units) * s.weight_bytes;
      if (own + kReserved > device.shared_bytes) continue;
      const bool resident = s.S >= kFewTokens && own + R + kReserved <= device.shared_bytes;
      const SlstmPlan plan = {blocks, rows, resident, own + (resident ? R : 0)};
      if (const double cost = cycles(s, device, plan); cost < fewest) {
        fewest = cost;
        best = plan;
      }
    }
  }
  if (best.blocks == 0) {
    fail_wanted(ErrorKind::kInternal, kOp, "heads that fit into the GPU's shared memory",
                str(s.DH, " units"));
  }
  return best;
}

SlstmWeights prepare_slstm(Workspace& work, SlstmWeights weights) {
  check_axes(kOp, "R", weights.R, 3);
  if (weights.R.dtype() != DType::kF32) check_dtype(kOp, "R", weights.R, DType::kBF16);
  const std::int64_t DH = weights.R.shape()[1];
  check_shape(kOp, "R", weights.R, {weights.R.shape()[0], DH, 4 * DH});
  const Tensor R = work.allocate_for_long(weights.R.shape(), weights.R.dtype(), "sLSTM's weights");
  work.programs().launch("slstm", str("slstm_order_", type_name(R.dtype())),
                         {.x = element_blocks(R.elements())}, work.pointer(weights.R),
                         work.to_write(R), narrow(DH), R.elements());
  weights.R = R;
  return weights;
}

Tensor slstm_scan(Workspace& work, const Tensor& gates_if, const Tensor& gates_zo,
                  const SlstmWeights& weights, LayerState state) {
  auto& batch = static_cast<CudaStates&>(state.batch);
  const auto B = static_cast<std::int64_t>(batch.rows());
  check_slstm_scan(gates_if, gates_zo, weights, B);
  const std::int64_t NH = weights.R.shape()[0], DH = weights.R.shape()[1];
  const std::int64_t S = gates_if.shape()[0] / B;
  check_dtype(kOp, "gates_zo", gates_zo, gates_if.dtype());
  const Tensor y = work.allocate({B * S, NH * DH}, DType::kF32, kOp);
  if (y.elements() == 0) return y;
  Device& device = work.device();
  const SlstmPlan plan =
      plan_slstm({B, S, NH, DH, size_of(weights.R.dtype())},
                 {device.multiprocessors(), static_cast<std::size_t>(device.shared_bytes()),
                  device.capability() >= 90});
  const auto part = [&](std::size_t index) {
    return reinterpret_cast<float* const*>(batch.addresses(state.first + index, {NH, DH}, kOp));
  };
  const SlstmArgs args = {.gates_if = work.pointer(gates_if),
                          .gates_zo = work.pointer(gates_zo),
                          .gates_are_bf16 = gates_if.dtype() == DType::kBF16 ? 1 : 0,
                          .R = work.pointer(weights.R),
                          .bias = work.pointer<const float>(weights.bias),
                          .y = work.to_write<float>(y),
                          .state_y = part(0),
                          .state_c = part(1),
                          .state_n = part(2),
                          .state_m = part(3),
                          .B = narrow(B),
                          .S = narrow(S),
                          .NH = narrow(NH),
                          .DH = narrow(DH),
                          .blocks = plan.blocks};
  work.programs().launch("slstm",
                         str(plan.resident ? "slstm_scan_" : "slstm_stream_",
                             type_name(weights.R.dtype()), "_", plan.rows),
                         {.x = static_cast<unsigned>(plan.blocks * NH),
                          .y = blocks_for(B, plan.rows),
                          .threads = kThreads,
                          .shared = plan.shared_bytes,
                          .cluster = static_cast<unsigned>(plan.blocks)},
                         args);
  return y;
}

}  // namespace xlstm::cuda
