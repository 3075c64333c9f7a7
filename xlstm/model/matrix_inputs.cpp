#include "xlstm/model/matrix_inputs.h"

#include <algorithm>
#include <utility>

#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/model/large_block.h"
#include "xlstm/model/large_dims.h"
#include "xlstm/model/weights_loader.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;

constexpr std::size_t kSegment = 512;    // tokens that are read at once
constexpr std::ptrdiff_t kOfABlock = 4;  // matrices

std::string block_name(std::int64_t block) {
  return str("blocks.", block, ".");
}

}  // namespace

MatrixInputs::MatrixInputs(Plan plan, const TensorSource& source,
                           std::vector<std::vector<std::int32_t>> texts,
                           std::function<void()> on_step)
    : plan_(std::move(plan)),
      source_(source),
      texts_(std::move(texts)),
      on_step_(std::move(on_step)) {
  const LargeDims dims = large_dims(plan_);
  for (std::int64_t l = 0; l < dims.L; ++l) {
    for (const char* layer : {"mlstm.qkvo", "mlstm.out", "ffn.up", "ffn.down"}) {
      order_.push_back(str(block_name(l), layer, ".weight"));
    }
  }
  if (!dims.tied_head) order_.push_back("lm_head.weight");
}

std::uint64_t MatrixInputs::bytes(const Plan& plan, const std::string& slot, std::uint64_t tokens) {
  const LargeDims d = large_dims(plan);
  const std::int64_t QK = d.NH * d.DHQK, V = d.NH * d.DHV;
  // The residual stream, the widest inputs and those before them, which MLX keeps for the next of
  // their size; of a segment also what is computed on the way.
  const std::int64_t kept = 2 * d.D + std::max({d.D, V, d.F});
  const std::int64_t passing = 4 * d.D + 8 * QK + 12 * V + 6 * d.F + 6 * d.NH * ops::kChunk;
  // A block's weights; before the first, the embedding.
  std::uint64_t embedding = 0, block = 0;
  for (const Layer& layer : plan.layers) {
    const bool of_block = slot.starts_with("blocks.") &&
                          layer.name.starts_with(slot.substr(0, slot.find('.', 7) + 1));
    for (const Parameter& each : layer.parameters) {
      const auto count = static_cast<std::uint64_t>(element_count(each.shape).value_or(0));
      if (of_block) block += count;
      if (is_embedding(layer)) embedding += count;
    }
  }
  return sizeof(float) *
         (static_cast<std::uint64_t>(kept) * tokens +
          static_cast<std::uint64_t>(passing) * std::min<std::uint64_t>(tokens, kSegment) +
          std::max(block, embedding));
}

std::optional<mx::array> MatrixInputs::moments(const std::string& slot) {
  const auto found = std::ranges::find(order_, slot);
  if (found == order_.end()) return std::nullopt;
  if (found - order_.begin() < at_) {
    fail_wanted(ErrorKind::kInternal, "matrix inputs", "slots in the order of data", slot);
  }
  while (at_ < found - order_.begin()) advance();
  const int K = inputs_.front().shape(-1);
  mx::array sum = mx::zeros({K, K});
  float count = 0;
  for (const mx::array& x : inputs_) {
    const mx::array columns = mx::contiguous(mx::transpose(mx::reshape(x, {-1, K})));  // [K, S]
    set(sum, sum + ops::linear(columns, columns));
    count += static_cast<float>(columns.shape(1));
  }
  set(sum, sum / mx::array(count));
  return sum;
}

void MatrixInputs::replace(const std::string& slot, mx::array weight) {
  weights_.insert_or_assign(slot, std::move(weight));
}

void MatrixInputs::set(mx::array& place, mx::array value) const {
  if (on_step_) on_step_();
  ops::evaluate({value});
  place = std::move(value);
}

void MatrixInputs::advance() {
  if (at_ < 0) read_embedding();
  const std::int64_t block = at_ / kOfABlock;
  const std::string name = block_name(block);
  switch (at_ < 0 ? kOfABlock - 1 : at_ % kOfABlock) {
    case 0:
      run_cell();
      break;
    case 1:
      add_product(name + "mlstm.out");
      normalise(name + "ffn.norm");
      break;
    case 2:
      for (mx::array& x : inputs_) {
        set(x, ops::swiglu(product(x, name + "ffn.up")));
      }
      break;
    default:
      if (at_ >= 0) add_product(name + "ffn.down");
      enter_block(at_ < 0 ? 0 : block + 1);
  }
  ++at_;
}

void MatrixInputs::read_embedding() {
  if (weights_.count("embedding.weight") == 0) load("embedding");
  for (const std::vector<std::int32_t>& ids : texts_) {
    for (std::size_t at = 0; at < ids.size(); at += kSegment) {
      const std::size_t size = std::min(kSegment, ids.size() - at);
      const mx::array tokens(ids.begin() + static_cast<std::ptrdiff_t>(at),
                             {1, static_cast<int>(size)}, mx::int32);
      begins_.push_back(at == 0);
      residual_.push_back(ops::take_rows(weights_.at("embedding.weight"), tokens, mx::float32));
      ops::evaluate({residual_.back()});
    }
  }
  inputs_ = residual_;
}

// Of the last block, what follows it is the head.
void MatrixInputs::enter_block(std::int64_t block) {
  weights_.clear();
  if (block < large_dims(plan_).L) {
    load(block_name(block) + "mlstm");
    load(block_name(block) + "ffn");
    return normalise(block_name(block) + "mlstm.norm");
  }
  if (!large_dims(plan_).has_out_norm) {
    inputs_ = residual_;
    return;
  }
  load("out_norm");
  normalise("out_norm");
}

void MatrixInputs::run_cell() {
  const LargeDims d = large_dims(plan_);
  const int NH = static_cast<int>(d.NH), DHQK = static_cast<int>(d.DHQK);
  const int DHV = static_cast<int>(d.DHV);
  const std::string name = block_name(at_ / kOfABlock) + "mlstm.";
  const ops::Norm head_norm = {array_of(name + "head_norm.weight"), bias(name + "head_norm")};
  const ops::MlstmState fresh = {mx::zeros({1, NH, DHQK, DHV}), mx::zeros({1, NH, DHQK}),
                                 mx::zeros({1, NH})};
  ops::MlstmState state = fresh;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (begins_[i]) state = fresh;
    set(inputs_[i],
        mlstm_inner(product(inputs_[i], name + "qkvo"), product(inputs_[i], name + "gates"),
                    head_norm, d, state, mx::float32));
    ops::evaluate({state.C, state.n, state.m});
  }
}

void MatrixInputs::add_product(const std::string& layer) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    set(residual_[i], residual_[i] + product(inputs_[i], layer));
  }
}

void MatrixInputs::normalise(const std::string& layer) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    set(inputs_[i], ops::rms_norm(residual_[i], array_of(layer + ".weight"), bias(layer),
                                  large_dims(plan_).norm_eps));
  }
}

mx::array MatrixInputs::product(const mx::array& x, const std::string& layer) const {
  return ops::linear(x, weights_.at(layer + ".weight"), bias(layer));
}

const mx::array& MatrixInputs::array_of(const std::string& name) const {
  return std::get<mx::array>(weights_.at(name));
}

std::optional<mx::array> MatrixInputs::bias(const std::string& layer) const {
  const auto found = weights_.find(layer + ".bias");
  return found == weights_.end() ? std::nullopt : std::optional(std::get<mx::array>(found->second));
}

void MatrixInputs::load(const std::string& layer) {
  Plan part = plan_;
  part.layers = {plan_.layer(layer)};
  LoadedWeights loaded = load_weights(part, source_, {mx::float32, {}}, {});
  weights_.merge(loaded.arrays);
}

}  // namespace xlstm
