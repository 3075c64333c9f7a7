#include "xlstm/model/model.h"

#include <algorithm>
#include <cstdio>

#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/model/large_block.h"
#include "xlstm/model/large_head.h"
#include "xlstm/model/segment.h"
#include "xlstm/model/weights_loader.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/ops/gpu_products.h"
#include "xlstm/wiring/view_text.h"

namespace xlstm {
namespace mx = mlx::core;

struct Model::Impl {
  Plan plan;
  ComputeDtype dtype;
  mx::Dtype activation;  // float32 on the CPU, else as the weights
  std::uint64_t weight_bytes;
  std::uint64_t fingerprint;
  std::string quantized;           // "", or ", loaded as affine, 4 bits, groups of 64"
  ops::WeightArray embedding;      // [V, D]
  std::vector<LargeBlock> blocks;  // [L]
  LargeHead head;
};

ForwardResult Model::forward(const mx::array& tokens, ModelState state, Positions positions) const {
  if (tokens.ndim() != 2 || tokens.shape(0) != state.batch()) {
    fail_wanted(ErrorKind::kInternal, "forward", str("tokens [", state.batch(), ", S]"),
                str(tokens.ndim(), " axes, first ", tokens.ndim() > 0 ? tokens.shape(0) : 0));
  }
  const int S = tokens.shape(1);
  for (std::uint64_t& position : state.positions) position += static_cast<std::uint64_t>(S);
  state.next_logits.reset();

  mx::array x = ops::take_rows(impl_->embedding, tokens, impl_->activation);
  for (std::size_t l = 0; l < impl_->blocks.size(); ++l) {
    x = impl_->blocks[l](std::move(x), state.blocks[l]);
  }
  return {impl_->head(x, positions == Positions::kLast ? std::min(S, 1) : S), std::move(state)};
}

ForwardResult Model::prefill(const mx::array& tokens, ModelState state,
                             const std::function<bool(std::int64_t done)>& on_segment) const {
  const int B = tokens.shape(0), S = tokens.shape(1);
  if (S < 1 || B < 1) fail_wanted(ErrorKind::kInternal, "prefill", "at least one token", "none");
  const int segment = std::max(ops::kChunk, kSegmentTokens / B / ops::kChunk * ops::kChunk);
  for (int begin = 0;; begin += segment) {
    const int end = std::min(begin + segment, S);
    ForwardResult result = forward(mx::slice(tokens, {0, begin}, {B, end}), std::move(state));
    if (end == S) return result;
    result.state.eval();  // its logits are only wanted where it turns out to be the last
    if (on_segment && !on_segment(end)) return result;
    state = std::move(result.state);
  }
}

namespace {

std::optional<mx::array> take_bias(const LoadedWeights& loaded, const std::string& name) {
  const auto bias = loaded.arrays.find(name + ".bias");
  return bias == loaded.arrays.end() ? std::nullopt
                                     : std::optional(std::get<mx::array>(bias->second));
}

ops::Norm take_norm(const LoadedWeights& loaded, const std::string& name) {
  return {std::get<mx::array>(loaded.arrays.at(name + ".weight")), take_bias(loaded, name)};
}

ops::Dense take_dense(const LoadedWeights& loaded, const std::string& name) {
  return {loaded.arrays.at(name + ".weight"), take_bias(loaded, name)};
}

ops::LargeBlockArrays take_block(const LoadedWeights& loaded, std::int64_t index) {
  const auto norm = [&](const char* name) {
    return take_norm(loaded, str("blocks.", index, ".", name));
  };
  const auto dense = [&](const char* name) {
    return take_dense(loaded, str("blocks.", index, ".", name));
  };
  return {norm("mlstm.norm"), dense("mlstm.qkvo"), dense("mlstm.gates"), norm("mlstm.head_norm"),
          dense("mlstm.out"), norm("ffn.norm"),    dense("ffn.up"),      dense("ffn.down")};
}

}  // namespace

Model::Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Model Model::load(const Plan& plan, const TensorSource& source, const LoadOptions& options) {
  ops::ask_for_float32_products();
  const mx::Dtype dtype = options.dtype == ComputeDtype::kBfloat16 ? mx::bfloat16 : mx::float32;
  const mx::Dtype activation = ops::on_cpu() ? mx::float32 : dtype;
  const LoadedWeights loaded =
      load_weights(plan, source, {dtype, options.quantization}, options.on_progress);
  const LargeDims dims = large_dims(plan);
  std::vector<LargeBlock> blocks;
  for (std::int64_t l = 0; l < dims.L; ++l) {
    blocks.emplace_back(take_block(loaded, l), dims, activation);
  }
  const ops::Dense embedding = take_dense(loaded, "embedding");
  ops::LargeHeadArrays head = {std::nullopt,
                               dims.tied_head ? embedding : take_dense(loaded, "lm_head")};
  if (dims.has_out_norm) head.norm = take_norm(loaded, "out_norm");
  return Model(std::make_shared<const Impl>(
      Impl{plan, options.dtype, activation, loaded.bytes, loaded.fingerprint,
           options.quantization ? ", loaded as " + to_string(options.quantization->format) : "",
           embedding.weight, std::move(blocks), LargeHead(std::move(head), dims)}));
}

ModelState Model::initial_state(int batch) const {
  const LargeDims d = large_dims(impl_->plan);
  const int NH = static_cast<int>(d.NH), DHQK = static_cast<int>(d.DHQK);
  const int DHV = static_cast<int>(d.DHV);
  ModelState state;
  state.positions.assign(static_cast<std::size_t>(batch), 0);
  for (std::int64_t l = 0; l < d.L; ++l) {
    state.blocks.push_back(
        {mx::zeros({batch, NH, DHQK, DHV}), mx::zeros({batch, NH, DHQK}), mx::zeros({batch, NH})});
  }
  return state;
}

const Plan& Model::plan() const {
  return impl_->plan;
}
ComputeDtype Model::dtype() const {
  return impl_->dtype;
}
std::uint64_t Model::weight_bytes() const {
  return impl_->weight_bytes;
}

std::uint64_t Model::bytes_per_token() const {
  // Of the embedding one row is read, unless it serves as the head too; the state is read and
  // written.
  const std::uint64_t embedding = memory_bytes(impl_->embedding);
  const std::uint64_t row = embedding / static_cast<std::uint64_t>(impl_->plan.V);
  const std::uint64_t skipped = impl_->plan.tied_head() ? 0 : embedding - row;
  return impl_->weight_bytes - skipped + 2 * impl_->plan.state_bytes();
}

std::string Model::fingerprint() const {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(impl_->fingerprint));
  return text;
}

std::map<std::string, std::string> Model::description() const {
  const Plan& plan = impl_->plan;
  return {{"name", plan.name},
          {"sizes", sizes_line(plan)},
          {"constants", constants_line(plan)},
          {"weights", plan.dtypes() + impl_->quantized}};
}

std::string_view name_of(ComputeDtype dtype) {
  return dtype == ComputeDtype::kBfloat16 ? "bfloat16" : "float32";
}

}  // namespace xlstm
