// Layers that data passes one after the other, each with the place of its state among a sequence's
// tensors.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/model/layer_recipe.h"
#include "xlstm/model/loaded_plan.h"

namespace xlstm {

class LayerStack {
 public:
  LayerStack() = default;
  // The recipes of some layers of the plan, before which the others have `first_state` tensors.
  LayerStack(std::span<const RecipeEntry> recipes, std::span<const Layer> layers,
             const PlanWithWeights& plan, std::size_t first_state = 0);

  // Called with a layer's index and what it made of the stream.
  using OnLayer = std::function<void(std::size_t layer, const Tensor& x)>;

  // x [T, width that the first layer reads] -> [T, width that the last one makes], for T = B * S
  // tokens of B = states.rows() rows, whose states it moves on by S tokens.
  Tensor forward(Backend& b, Tensor x, StateBatch& states, const OnLayer& on_layer = {}) const;

  bool takes_unequal_lengths() const;  // LayerRecipe's, of all

 private:
  struct Step {
    std::unique_ptr<const LayerRecipe> recipe;
    std::size_t first_state = 0;
  };

  std::vector<Step> steps_;
};

}  // namespace xlstm
