// Layers that data passes one after the other, each with the place of its state among a sequence's
// tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/model/layer_recipe.h"
#include "xlstm/model/loaded_plan.h"

namespace xlstm {

// What else is wanted of a pass.
struct StackPass {
  // Of each row so many of its last tokens go through the layers behind the last that has a state;
  // 0: all.
  std::int64_t last = 0;
  // Called with a layer's index and what it made of the stream.
  std::function<void(std::size_t layer, const Tensor& x)> on_layer = {};
};

class LayerStack {
 public:
  LayerStack() = default;
  // The recipes of some layers of the plan, before which the others have `first_state` tensors.
  LayerStack(std::span<const RecipeEntry> recipes, std::span<const Layer> layers,
             const PlanWithWeights& plan, std::size_t first_state = 0);

  // x [B * S, width that the first layer reads] -> [B * S or B * last, width that the last one
  // makes], for S tokens of each of B = states.rows() rows, whose states it moves on by S tokens.
  Tensor forward(Backend& b, Tensor x, StateBatch& states, const StackPass& pass = {}) const;

  bool takes_unequal_lengths() const;  // LayerRecipe's, of all

 private:
  struct Step {
    std::unique_ptr<const LayerRecipe> recipe;
    std::size_t first_state = 0;
  };

  std::vector<Step> steps_;
  std::size_t stateless_from_ = 0;  // the layers that have no state behind them
};

}  // namespace xlstm
