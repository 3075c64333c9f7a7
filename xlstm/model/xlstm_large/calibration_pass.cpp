#include "xlstm/model/xlstm_large/calibration_pass.h"

#include <algorithm>
#include <array>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/model/model.h"
#include "xlstm/model/weights_loader.h"
#include "xlstm/model/xlstm_large/recipes.h"
#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm::xlstm_large {
namespace {

constexpr auto kSegment = static_cast<std::size_t>(kSegmentTokens);
constexpr std::ptrdiff_t kMatricesOfABlock = 4;  // qkvo, out, up, down

}  // namespace

CalibrationPass::CalibrationPass(Plan plan, const TensorSource& source,
                                 std::shared_ptr<Backend> backend,
                                 std::vector<std::vector<std::int32_t>> texts,
                                 std::function<void()> on_step)
    : backend_(std::move(backend)),
      plan_(std::move(plan)),
      source_(source),
      texts_(std::move(texts)),
      on_step_(std::move(on_step)) {
  for (const Layer& layer : plan_.layers) {
    if (layer.kind == "mlstm") {
      ++blocks_;
      order_.insert(order_.end(), {layer.name + ".qkvo.weight", layer.name + ".out.weight"});
    } else if (layer.kind == "ffn") {
      order_.insert(order_.end(), {layer.name + ".up.weight", layer.name + ".down.weight"});
    }
  }
  if (!plan_.tied_head()) order_.push_back("lm_head.weight");
}

std::uint64_t CalibrationPass::bytes(const Plan& plan, const std::string& parameter,
                                     std::uint64_t tokens) {
  // The residual stream, the widest inputs and those before them; of a segment also what is
  // computed on the way. A block's weights; before the first, the embedding.
  std::int64_t widest = plan.D, passing = 0;
  std::uint64_t embedding = 0, block = 0;
  const std::string of_block =
      parameter.starts_with("blocks.") ? parameter.substr(0, parameter.find('.', 7) + 1) : "";
  for (const Layer& layer : plan.layers) {
    passing = std::max(passing, layer.lazy_floats);
    for (const Parameter& each : layer.parameters) {
      const auto count = static_cast<std::uint64_t>(element_count(each.shape).value_or(0));
      if (!of_block.empty() && layer.name.starts_with(of_block)) block += count;
      if (is_embedding(layer)) embedding += count;
      if (each.shape.size() == 2 && !is_embedding(layer)) widest = std::max(widest, each.shape[1]);
    }
  }
  return sizeof(float) *
         (static_cast<std::uint64_t>(2 * plan.D + widest) * tokens +
          static_cast<std::uint64_t>(passing) * std::min<std::uint64_t>(tokens, kSegment) +
          std::max(block, embedding));
}

std::optional<Tensor> CalibrationPass::covariance(const std::string& parameter) {
  const auto found = std::ranges::find(order_, parameter);
  if (found == order_.end()) return std::nullopt;
  if (found - order_.begin() < at_) {
    fail_wanted(ErrorKind::kInternal, "calibration", "matrices in the order of data", parameter);
  }
  while (at_ < found - order_.begin()) advance();
  const std::int64_t K = inputs_.front().shape()[1];
  Tensor sum = backend_->filled({K, K}, 0);
  std::int64_t count = 0;
  for (const Tensor& x : inputs_) {
    set(sum, backend_->add_gram(std::move(sum), x));
    count += x.shape()[0];
  }
  const std::vector<float> share(static_cast<std::size_t>(K), 1.0F / static_cast<float>(count));
  set(sum, backend_->multiply(std::move(sum), backend_->floats({K}, share)));
  return sum;
}

void CalibrationPass::replace(const std::string& parameter, Tensor weight) {
  weights_.insert_or_assign(parameter, std::move(weight));
}

void CalibrationPass::set(Tensor& place, Tensor value) {
  if (on_step_) on_step_();
  backend_->evaluate(std::array{value});
  place = std::move(value);
}

void CalibrationPass::advance() {
  if (at_ < 0) {
    read_embedding();
    enter_block(0);
  } else {
    const auto block = static_cast<std::size_t>(at_ / kMatricesOfABlock);
    switch (at_ % kMatricesOfABlock) {
      case 0:
        run_mixer(layer_of(block, "mlstm"));
        break;
      case 1: {
        const Layer& ffn = layer_of(block, "ffn");
        add_product(layer_of(block, "mlstm"), "out");
        normalise(ffn, "norm", ffn.spec_as<GatedFfnSpec>().norm_eps);
        break;
      }
      case 2: {
        const Dense up = weights_of(layer_of(block, "ffn")).dense("up");
        for (Tensor& x : inputs_) set(x, backend_->swiglu(backend_->linear(x, up)));
        break;
      }
      default:
        add_product(layer_of(block, "ffn"), "down");
        enter_block(block + 1);
    }
  }
  ++at_;
}

void CalibrationPass::read_embedding() {
  const Layer& layer = plan_.layers.front();
  if (weights_.count("embedding.weight") == 0) load(layer);
  const WeightTensor W = weights_of(layer).dense("").weight;
  for (const std::vector<std::int32_t>& ids : texts_) {
    for (std::size_t at = 0; at < ids.size(); at += kSegment) {
      const auto part = std::span(ids).subspan(at, std::min(kSegment, ids.size() - at));
      const auto S = static_cast<std::int64_t>(part.size());
      begins_.push_back(at == 0);
      Tensor x;
      set(x, backend_->embed(W, backend_->ids({1, S}, part)));
      residual_.push_back(std::move(x));
    }
  }
  inputs_ = residual_;
}

// Of the last block, what follows it is the head.
void CalibrationPass::enter_block(std::size_t block) {
  weights_.clear();
  if (block < blocks_) {
    const Layer& mlstm = layer_of(block, "mlstm");
    load(mlstm);
    load(layer_of(block, "ffn"));
    return normalise(mlstm, "norm", mlstm.spec_as<MlstmSpec>().norm_eps);
  }
  const Layer& before_head = plan_.layers[plan_.layers.size() - 2];
  const auto* norm = std::any_cast<RmsNormSpec>(&before_head.spec);
  if (norm == nullptr) {
    inputs_ = residual_;
    return;
  }
  load(before_head);
  normalise(before_head, "", norm->eps);
}

void CalibrationPass::run_mixer(const Layer& layer) {
  const LayerWeights w = weights_of(layer);
  const Dense qkvo = w.dense("qkvo"), gates = w.dense("gates");
  const Norm head_norm = w.norm("head_norm");
  const MlstmMixerSpec mixer = mixer_spec(layer.spec_as<MlstmSpec>());
  std::unique_ptr<StateBatch> states;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (begins_[i]) {
      State fresh;
      add_initial_state(*backend_, layer, fresh);
      states = backend_->state_batch();
      states->add(std::move(fresh));
    }
    const Tensor& x = inputs_[i];
    set(inputs_[i], backend_->mlstm_mixer(backend_->linear(x, qkvo), backend_->linear(x, gates),
                                          head_norm, mixer, {*states, 0}));
    states->evaluate();
  }
}

void CalibrationPass::add_product(const Layer& layer, std::string_view name) {
  const Dense dense = weights_of(layer).dense(name);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    set(residual_[i], backend_->add(residual_[i], backend_->linear(inputs_[i], dense)));
  }
}

void CalibrationPass::normalise(const Layer& layer, std::string_view name, float eps) {
  const Norm norm = weights_of(layer).norm(name);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    set(inputs_[i], backend_->rms_norm(residual_[i], norm, eps));
  }
}

void CalibrationPass::load(const Layer& layer) {
  Plan part = plan_;
  part.layers = {layer};
  LoadedWeights loaded = load_weights(part, source_, *backend_, {DType::kF32, {}}, {});
  weights_.merge(loaded.weights);
}

LayerWeights CalibrationPass::weights_of(const Layer& layer) const {
  return {*backend_, weights_, layer};
}

const Layer& CalibrationPass::layer_of(std::size_t block, std::string_view name) const {
  return plan_.layer(str("blocks.", block, ".", name));
}

}  // namespace xlstm::xlstm_large
