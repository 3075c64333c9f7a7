#include <algorithm>

#include "mlx/dtype.h"
#include "xlstm/model/model.h"
#include "xlstm/model/segment.h"
#include "xlstm/model/weights_loader.h"
#include "xlstm/ops/ops.h"

namespace xlstm {
namespace mx = mlx::core;
MemoryEstimate estimate_memory(const Plan& plan, ComputeDtype dtype, int batch,
                               const std::optional<Recipe>& quantization) {
  const mx::Dtype type = dtype == ComputeDtype::kBfloat16 ? mx::bfloat16 : mx::float32;
  MemoryEstimate out;
  std::uint64_t largest = 0;
  for (const Node& node : plan.nodes) {
    for (const Slot& slot : node.slots) {
      const std::uint64_t bytes = memory_bytes(plan, node, slot, {type, quantization});
      out.weights += bytes;
      largest = std::max(largest, bytes);
    }
  }
  const auto B = static_cast<std::uint64_t>(batch);
  out.state = plan.state_bytes() * B;

  // One prefill segment. MLX queues a layer's nodes ahead of their evaluation, so a layer's arrays
  // are alive together: per token the residual stream, norms and projections, the cell's inputs
  // once more with heads first, the chunk form's products and weights (kChunk a head), the FFN's
  // two halves.
  const LargeDims& d = plan.dims;
  const std::int64_t floats =
      8 * d.D + 10 * d.NH * d.DHQK + 16 * d.NH * d.DHV + 6 * d.F + 6 * d.NH * ops::kChunk;
  const std::uint64_t tokens = std::max<std::uint64_t>(kSegmentTokens, ops::kChunk * B);
  const std::uint64_t layers = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(d.L));
  const std::uint64_t chunk_states = 3 * out.state / layers;  // old, kept part and new of one layer
  const std::uint64_t logits = 12 * B * static_cast<std::uint64_t>(d.V);
  const std::uint64_t segment =
      4 * static_cast<std::uint64_t>(floats) * tokens + chunk_states + logits;
  // A step that may not write in place (a fork holds the state) needs a second one.
  out.workspace = std::max(segment + out.state, largest);
  return out;
}

}  // namespace xlstm
