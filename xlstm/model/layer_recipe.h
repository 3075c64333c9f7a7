// The forward pass of one layer of a plan, written once for all backends.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "xlstm/backend/backend.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

class LayerRecipe {
 public:
  virtual ~LayerRecipe() = default;

  // x [T, D] -> [T, D], for T = B * S tokens; moves the layer's state on by S tokens.
  virtual Tensor forward(Backend& b, Tensor x, LayerState state) const = 0;

  // Whether forward() takes rows of unequal lengths (StateBatch::lengths()), x then being the
  // tokens of one row after those of another: so if all it does with the rows it does by ops that
  // do.
  virtual bool takes_unequal_lengths() const { return false; }
};

// Loaded parameters by their canonical names ("blocks.3.ffn.up.weight").
using WeightMap = std::unordered_map<std::string, WeightTensor>;

// The parameters of one layer by their names in it: "up" is "blocks.3.ffn.up.weight", with
// "blocks.3.ffn.up.bias" where there is one. Prepared for the backend.
class LayerWeights {
 public:
  LayerWeights(Backend& backend, const WeightMap& weights, const Layer& layer)
      : backend_(backend), weights_(weights), layer_(layer) {}

  // Throw Error(kInternal) where the plan has no such parameter.
  Dense dense(std::string_view name) const;
  Norm norm(std::string_view name) const;
  Norm norm_around_one(std::string_view name) const;  // whose weights are what is added to 1
  Headwise headwise(std::string_view name) const;
  CausalConv causal_conv(std::string_view name) const;
  // R [NH, DH, 4 * DH] and bias, of as many numbers as [NH, 4 * DH].
  SlstmWeights slstm(std::string_view recurrent, std::string_view bias) const;
  Tensor tensor(std::string_view name) const;  // as it was loaded: "decay"
  Backend& backend() const { return backend_; }

 private:
  const WeightTensor& at(const std::string& name) const;
  Tensor bias(std::string_view name) const;
  std::string path(std::string_view name) const;

  Backend& backend_;
  const WeightMap& weights_;
  const Layer& layer_;
};

// Appends the layer's tensors of a sequence that has read nothing.
void add_initial_state(Backend& backend, const Layer& layer, State& state);

// Which recipe a kind of layer has.
struct RecipeEntry {
  std::string_view kind;  // Layer::kind
  std::unique_ptr<const LayerRecipe> (*make)(const Layer& layer, const LayerWeights& weights);
};

// Of all families. Embedding, last norm and head of models that read tokens are Model's own.
std::span<const RecipeEntry> all_recipes();

// Throws Error(kInternal) for a kind that is not in the table.
std::unique_ptr<const LayerRecipe> make_recipe(std::span<const RecipeEntry> recipes,
                                               const Layer& layer, const LayerWeights& weights);

}  // namespace xlstm
