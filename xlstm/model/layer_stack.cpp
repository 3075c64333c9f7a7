#include "xlstm/model/layer_stack.h"

#include <algorithm>
#include <utility>

namespace xlstm {

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
    if (pass.last > 0 && layer == stateless_from_) {
      const auto B = static_cast<std::int64_t>(states.rows());
      const std::int64_t S = x.shape()[0] / B;
      x = b.tokens(x, B, S - pass.last, S);
    }
    const Step& step = steps_[layer];
    x = step.recipe->forward(b, std::move(x), {states, step.first_state});
    if (pass.on_layer) pass.on_layer(layer, x);
  }
  return x;
}

bool LayerStack::takes_unequal_lengths() const {
  return std::ranges::all_of(steps_,
                             [](const Step& step) { return step.recipe->takes_unequal_lengths(); });
}

}  // namespace xlstm
