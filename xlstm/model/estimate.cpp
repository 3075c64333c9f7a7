#include <algorithm>

#include "mlx/dtype.h"
#include "xlstm/model/model.h"
#include "xlstm/model/segment.h"
#include "xlstm/model/weights_loader.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/thread_pool.h"

namespace xlstm {
namespace mx = mlx::core;
namespace {

std::uint64_t unsigned_of(std::int64_t size) {
  return static_cast<std::uint64_t>(size);
}

// Bytes of one prefill segment on the CPU, where a block is one op that works in place of the
// stream: per token the stream and the block's scratch memory (kernels/large_block/large_block.h).
// Besides, what products pack: a block of rows together, and on each thread a panel of weights or a
// chunk of a head.
std::uint64_t segment_on_cpu(const LargeDims& d, std::uint64_t tokens) {
  const std::int64_t QK = d.NH * d.DHQK, V = d.NH * d.DHV;
  const std::int64_t block = d.D + std::max(2 * QK + 3 * V + 2 * d.NH, 3 * d.F);
  const std::int64_t chunk = ops::kChunk * (2 * d.DHQK + ops::kChunk + d.DHV);
  constexpr std::uint64_t kPackedRows = std::uint64_t{2} << 20, kPanel = std::uint64_t{1} << 19;
  return 4 * unsigned_of(d.D + block) * tokens + kPackedRows +
         ops::thread_pool().size() * (4 * unsigned_of(chunk) + kPanel);
}

// Elsewhere a block is some forty nodes. MLX queues a layer's nodes ahead of their evaluation, so a
// layer's arrays are alive together: per token the residual stream, norms and projections, the
// cell's inputs once more with heads first, the chunk form's products and weights (kChunk a head),
// the FFN's two halves; and the old state of the layer, its kept part and the new one.
std::uint64_t segment_of_nodes(const LargeDims& d, std::uint64_t tokens, std::uint64_t state) {
  const std::int64_t floats =
      8 * d.D + 10 * d.NH * d.DHQK + 16 * d.NH * d.DHV + 6 * d.F + 6 * d.NH * ops::kChunk;
  return 4 * unsigned_of(floats) * tokens +
         3 * state / std::max<std::uint64_t>(1, unsigned_of(d.L));
}

}  // namespace

MemoryEstimate estimate_memory(const Plan& plan, ComputeDtype dtype, int batch,
                               const std::optional<Recipe>& quantization,
                               const mx::Device& device) {
  const mx::Dtype type = dtype == ComputeDtype::kBfloat16 ? mx::bfloat16 : mx::float32;
  MemoryEstimate out;
  std::uint64_t largest = 0;
  for (const Node& node : plan.nodes) {
    for (const Slot& slot : node.slots) {
      const std::uint64_t bytes = memory_bytes(plan, node, slot, {type, quantization});
      out.weights += bytes;
      largest = std::max(largest, bytes);
      if (quantization) largest = std::max(largest, std::min(node.bytes, kMostPiece));
    }
  }
  const auto B = static_cast<std::uint64_t>(batch);
  out.state = plan.state_bytes() * B;

  const std::uint64_t tokens = std::max<std::uint64_t>(kSegmentTokens, ops::kChunk * B);
  const std::uint64_t segment = device == mx::Device::cpu
                                    ? segment_on_cpu(plan.dims, tokens)
                                    : segment_of_nodes(plan.dims, tokens, out.state);
  // Logits with what sampling makes of them; a step that may not write in place (a fork holds the
  // state) needs a second one.
  const std::uint64_t logits = 12 * B * unsigned_of(plan.dims.V);
  out.workspace = std::max(segment + logits + out.state, largest);
  return out;
}

}  // namespace xlstm
