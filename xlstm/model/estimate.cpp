#include <algorithm>

#include "mlx/dtype.h"
#include "xlstm/model/model.h"
#include "xlstm/model/weights_loader.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;

std::uint64_t memory_bytes(const Slot& slot, mx::Dtype dtype) {
  const auto elements = static_cast<std::uint64_t>(element_count(slot.shape).value_or(0));
  return elements * mx::size_of(memory_dtype(slot, dtype));
}

}  // namespace

MemoryEstimate estimate_memory(const Plan& plan, ComputeDtype dtype, int batch) {
  const mx::Dtype type = dtype == ComputeDtype::kBfloat16 ? mx::bfloat16 : mx::float32;
  MemoryEstimate out;
  std::uint64_t largest = 0;
  for (const Node& node : plan.nodes) {
    for (const Slot& slot : node.slots) {
      const std::uint64_t bytes = memory_bytes(slot, type);
      out.weights += bytes;
      largest = std::max(largest, bytes);
    }
  }
  const auto B = static_cast<std::uint64_t>(batch);
  out.state = plan.state_bytes() * B;

  // One prefill segment: per token the residual stream, its norm, q, k, v, o, h and its norm, FFN
  // in and out, with MLX's temporaries of the chunk form; then the logits of one position a
  // sequence.
  const LargeDims& d = plan.dims;
  const auto wide =
      static_cast<std::uint64_t>(6 * d.D + 6 * d.NH * d.DHQK + 10 * d.NH * d.DHV + 5 * d.F);
  const std::uint64_t tokens = std::max<std::uint64_t>(512, 64 * B);
  const std::uint64_t layer_states =
      2 * out.state / static_cast<std::uint64_t>(std::max<std::int64_t>(1, d.L));
  const std::uint64_t segment =
      4 * wide * tokens + layer_states + 12 * B * static_cast<std::uint64_t>(d.V);
  // A step that may not write in place (a fork holds the state) needs a second one.
  out.workspace = std::max(segment + out.state, largest);
  return out;
}

}  // namespace xlstm
