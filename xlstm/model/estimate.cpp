#include <algorithm>
#include <any>

#include "mlx/dtype.h"
#include "xlstm/base/threads.h"
#include "xlstm/model/model.h"
#include "xlstm/model/segment.h"
#include "xlstm/model/weights_loader.h"
#include "xlstm/ops/ops.h"
#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"

namespace xlstm {
namespace mx = mlx::core;
namespace {

std::uint64_t unsigned_of(std::int64_t size) {
  return static_cast<std::uint64_t>(size);
}

// Bytes of one prefill segment on the CPU, where a layer works in place of the stream: per token
// the stream and the largest layer's scratch memory. Besides, what products pack: a block of rows
// together, and on each thread a panel of weights or a chunk of a head.
std::uint64_t segment_on_cpu(const Plan& plan, std::uint64_t tokens) {
  std::int64_t floats = 0, chunk = 0;
  for (const Layer& layer : plan.layers) {
    floats = std::max(floats, layer.eager_floats);
    if (const auto* cell = std::any_cast<MlstmSpec>(&layer.spec)) {
      chunk = std::max(chunk, ops::kChunk * (2 * cell->DHQK + ops::kChunk + cell->DHV));
    }
  }
  constexpr std::uint64_t kPackedRows = std::uint64_t{2} << 20, kPanel = std::uint64_t{1} << 19;
  return 4 * unsigned_of(plan.D + floats) * tokens + kPackedRows +
         thread_count() * (4 * unsigned_of(chunk) + kPanel);
}

// Elsewhere a layer is some twenty nodes, which MLX queues ahead of their evaluation: the arrays of
// two layers are alive together; and the old state of a layer, its kept part and the new one.
std::uint64_t segment_of_nodes(const Plan& plan, std::uint64_t tokens, std::uint64_t batch) {
  std::int64_t floats = 0, before = 0;
  std::uint64_t state = 0;
  for (const Layer& layer : plan.layers) {
    floats = std::max(floats, before + layer.lazy_floats);
    before = layer.lazy_floats;
    state = std::max(state, layer.state_bytes());
  }
  return 4 * unsigned_of(floats) * tokens + 3 * state * batch;
}

}  // namespace

MemoryEstimate estimate_memory(const Plan& plan, ComputeDtype dtype, int batch,
                               const std::optional<QuantizationRecipe>& quantization,
                               const mx::Device& device) {
  const mx::Dtype type = dtype == ComputeDtype::kBfloat16 ? mx::bfloat16 : mx::float32;
  MemoryEstimate out;
  std::uint64_t largest = 0;
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      const std::uint64_t bytes = memory_bytes(plan, layer, parameter, {type, quantization});
      out.weights += bytes;
      largest = std::max(largest, bytes);
      if (quantization) largest = std::max(largest, std::min(layer.bytes, kMostPiece));
    }
  }
  const auto B = static_cast<std::uint64_t>(batch);
  out.state = plan.state_bytes() * B;

  const std::uint64_t tokens = std::max<std::uint64_t>(kSegmentTokens, ops::kChunk * B);
  const std::uint64_t segment =
      device == mx::Device::cpu ? segment_on_cpu(plan, tokens) : segment_of_nodes(plan, tokens, B);
  // Logits with what sampling makes of them; a step that may not write in place (a fork holds the
  // state) needs a second one.
  const std::uint64_t logits = 12 * B * unsigned_of(plan.V);
  out.workspace = std::max(segment + logits + out.state, largest);
  return out;
}

}  // namespace xlstm
