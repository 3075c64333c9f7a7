#include "xlstm/model/layer_recipe.h"

#include <variant>

#include "xlstm/base/error.h"

namespace xlstm {

Dense LayerWeights::dense(std::string_view name) const {
  return backend_.prepare(Dense{at(path(name) + ".weight"), bias(name), std::string(name)});
}

Norm LayerWeights::norm(std::string_view name) const {
  return backend_.prepare(Norm{std::get<Tensor>(at(path(name) + ".weight")), bias(name)});
}

Norm LayerWeights::norm_around_one(std::string_view name) const {
  const Tensor offset = std::get<Tensor>(at(path(name) + ".weight"));
  return backend_.prepare(Norm{backend_.add(backend_.filled(offset.shape(), 1), offset), {}});
}

Headwise LayerWeights::headwise(std::string_view name) const {
  return backend_.prepare(Headwise{std::get<Tensor>(at(path(name) + ".weight")), bias(name)});
}

CausalConv LayerWeights::causal_conv(std::string_view name) const {
  return backend_.prepare(CausalConv{tensor(str(name, ".weight")), bias(name)});
}

SlstmWeights LayerWeights::slstm(std::string_view recurrent, std::string_view bias) const {
  const Tensor R = tensor(recurrent);
  const TensorShape of_bias{R.shape()[0], R.shape()[2]};
  return backend_.prepare(SlstmWeights{R, backend_.reshape(tensor(bias), of_bias)});
}

Tensor LayerWeights::tensor(std::string_view name) const {
  return std::get<Tensor>(at(path(name)));
}

const WeightTensor& LayerWeights::at(const std::string& name) const {
  const auto found = weights_.find(name);
  if (found != weights_.end()) return found->second;
  fail_wanted(ErrorKind::kInternal, layer_.name, str("a parameter ", name), "none");
}

Tensor LayerWeights::bias(std::string_view name) const {
  const auto found = weights_.find(path(name) + ".bias");
  return found == weights_.end() ? Tensor() : std::get<Tensor>(found->second);
}

// A layer that is one matrix or norm has no name for it: "lm_head.weight".
std::string LayerWeights::path(std::string_view name) const {
  return name.empty() ? layer_.name : str(layer_.name, ".", name);
}

void add_initial_state(Backend& backend, const Layer& layer, State& state) {
  for (const StateTensor& tensor : layer.state) {
    state.tensors.push_back(backend.filled(TensorShape(tensor.shape), tensor.initial));
  }
}

std::unique_ptr<const LayerRecipe> make_recipe(std::span<const RecipeEntry> recipes,
                                               const Layer& layer, const LayerWeights& weights) {
  for (const RecipeEntry& entry : recipes) {
    if (entry.kind == layer.kind) return entry.make(layer, weights);
  }
  fail_wanted(ErrorKind::kInternal, layer.name, "a kind of layer that has a recipe", layer.kind);
}

}  // namespace xlstm
