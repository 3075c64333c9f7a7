#include "xlstm/model/layer_stack.h"

#include <algorithm>
#include <utility>

namespace xlstm {
namespace {

// Of each row; 0: all.
Tensor last_tokens(Backend& b, Tensor x, const StateBatch& states, std::int64_t last) {
  if (last == 0) return x;
  const auto B = static_cast<std::int64_t>(states.rows());
  const std::int64_t S = x.shape()[0] / B;
  return b.tokens(x, B, S - last, S);
}

}  // namespace

LayerStack::LayerStack(std::span<const RecipeEntry> recipes, std::span<const Layer> layers,
                       const PlanWithWeights& plan, std::size_t first_state) {
  for (const Layer& layer : layers) {
    steps_.push_back({make_recipe(recipes, layer, plan.weights_of(layer)), first_state});
    first_state += layer.state.size();
    if (!layer.state.empty()) stateless_from_ = steps_.size();
  }
}

Tensor LayerStack::forward(Backend& b, Tensor x, StateBatch& states, const StackPass& pass) const {
  for (std::size_t layer = 0; layer < steps_.size(); ++layer) {
    if (layer == stateless_from_) x = last_tokens(b, std::move(x), states, pass.last);
    const Step& step = steps_[layer];
    x = step.recipe->forward(b, std::move(x), {states, step.first_state});
    if (pass.on_layer) pass.on_layer(layer, x);
  }
  if (stateless_from_ < steps_.size()) return x;
  return last_tokens(b, std::move(x), states, pass.last);
}

bool LayerStack::takes_unequal_lengths() const {
  return std::ranges::all_of(steps_,
                             [](const Step& step) { return step.recipe->takes_unequal_lengths(); });
}

}  // namespace xlstm
