#include "xlstm/model/tirex2/network.h"

#include <utility>

#include "xlstm/base/error.h"

namespace xlstm::tirex2 {

Network Network::load(const Plan& plan, const TensorSource& source,
                      std::shared_ptr<Backend> backend, const LoadOptions& options) {
  PlanWithWeights whole = load_plan(plan, source, std::move(backend), options);
  Network out;
  out.plan_ = std::make_shared<const Plan>(plan);
  std::size_t state = 0;
  for (const Layer& layer : out.plan_->layers) {
    const LayerWeights weights = whole.weights_of(layer);
    const auto recipe = [&] { return make_recipe(options.recipes, layer, weights); };
    if (layer.name == "input") out.input_ = recipe();
    if (layer.name == "output") out.output_ = recipe();
    if (layer.name == "out_norm") out.out_norm_ = recipe();
    if (layer.name.ends_with(".time")) {
      const std::string name = layer.name.substr(0, layer.name.rfind('.'));
      out.blocks_.push_back({name, &layer, make_time_mixer(layer, weights), {}, {}, state});
    }
    if (layer.name.ends_with(".ffn")) out.blocks_.back().ffn = recipe();
    if (layer.name.ends_with(".variate")) {
      out.blocks_.back().variate =
          std::make_unique<const VariateMixer>(layer.spec_as<VariateSpec>(), weights);
    }
    state += layer.state.size();
  }
  out.loaded_ = std::move(whole.loaded);
  return out;
}

Tensor Network::forward(const Tensor& tokens, const RowBatch& rows, std::int64_t begin,
                        std::int64_t end, const OnLayer& on_layer) const {
  // A block's states live as long as it runs.
  std::unique_ptr<StateBatch> states;
  const auto fresh = [&](const Block& block) {
    State start;
    add_initial_state(backend(), *block.time_layer, start);
    states = backend().state_batch();
    for (std::int64_t row = 0; row < rows.R + rows.known; ++row) states->add(start);
    return LayerState{*states, 0};
  };
  return run(tokens, rows, begin, end, fresh, on_layer);
}

Tensor Network::forward(const Tensor& tokens, const RowBatch& rows, std::int64_t begin,
                        std::int64_t end, StateBatch& states) const {
  if (rows.known > 0 || std::ssize(states.positions()) != rows.R) {
    fail_wanted(ErrorKind::kInternal, "tirex-2", "a state for each row and no known row",
                str(states.rows(), " states of ", rows.R, " rows, ", rows.known, " known"));
  }
  for (std::uint64_t& position : states.positions()) position += static_cast<std::uint64_t>(rows.S);
  const auto given = [&](const Block& block) { return LayerState{states, block.first_state}; };
  return run(tokens, rows, begin, end, given, {});
}

Tensor Network::run(const Tensor& tokens, const RowBatch& rows, std::int64_t begin,
                    std::int64_t end, const StatesOf& states_of, const OnLayer& on_layer) const {
  Backend& b = backend();
  const std::unique_ptr<StateBatch> none = b.state_batch();
  const LayerState no_state = {*none, 0};
  const auto tell = [&](const std::string& layer, const Tensor& x) {
    if (on_layer) on_layer(layer, x);
  };
  Tensor x = input_->forward(b, b.to_activation(tokens), no_state);
  tell("input", x);
  for (const Block& block : blocks_) {
    x = block.time->forward(b, std::move(x), rows, states_of(block));
    x = block.ffn->forward(b, std::move(x), no_state);
    x = block.variate->forward(b, std::move(x), rows);
    tell(block.name, x);
  }
  x = rows_of(b, x, rows, rows.R - rows.targets, rows.R);
  x = b.tokens(x, rows.targets, begin, end);
  if (out_norm_) x = out_norm_->forward(b, std::move(x), no_state);
  return b.to_float32(output_->forward(b, std::move(x), no_state));
}

}  // namespace xlstm::tirex2
