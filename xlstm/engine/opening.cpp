#include "xlstm/engine/opening.h"

#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/engine/limits.h"
#include "xlstm/engine/quantized_copies.h"
#include "xlstm/group/group.h"
#include "xlstm/model/synthetic.h"

namespace xlstm {

std::optional<QuantizationRecipe> recipe_of(const EngineOptions& options) {
  if (!options.quantization) return std::nullopt;
  const QuantizationRecipe recipe = default_recipe(*options.quantization);
  check_recipe(recipe, "quantization");
  return recipe;
}

std::optional<QuantizationRecipe> recipe_of_random(const EngineOptions& options) {
  std::optional<QuantizationRecipe> recipe = recipe_of(options);
  if (recipe) recipe->search = false;
  return recipe;
}

Checkpoint synthetic_checkpoint(const std::string& size) {
  Synthetic synthetic = make_synthetic(size);
  return Checkpoint::in_memory("synthetic-" + size, synthetic.config_json,
                               std::move(synthetic.source));
}

std::optional<Division> division_of(const Checkpoint& checkpoint, const EngineOptions& options,
                                    const std::optional<QuantizationRecipe>& recipe) {
  if (options.group == nullptr) return std::nullopt;
  return divide(checkpoint.plan, *checkpoint.tensors,
                {options.group->rank(), options.group->size()}, recipe);
}

Loadable prepare_load(Checkpoint checkpoint, Backend& backend, const EngineOptions& options,
                      const std::optional<QuantizationRecipe>& recipe, const std::string& where) {
  const DType dtype = weight_dtype(options);
  const std::optional<Division> first = division_of(checkpoint, options, recipe);
  check_memory(estimate_memory(first ? first->plan : checkpoint.plan, backend, dtype, 1, recipe),
               options, backend, where);
  if (recipe && options.on_notice && !quantizes_anything(*recipe, checkpoint.plan)) {
    options.on_notice(str("quantising changes nothing in ", checkpoint.plan.name,
                          ", whose weights are ", checkpoint.plan.dtypes()));
  }
  if (recipe) checkpoint = quantized_copy(std::move(checkpoint), *recipe, options);
  LoadOptions load = {dtype, options.on_load_progress, recipe};
  if (std::optional<Division> division = division_of(checkpoint, options, recipe)) {
    const auto whole = std::make_shared<const WholeModel>(
        WholeModel{std::move(checkpoint.plan), std::move(checkpoint.tensors)});
    checkpoint.plan = std::move(division->plan);
    checkpoint.tensors = cut_source(whole->tensors, std::move(division->tensors));
    load.part_of = whole;
  }
  return {std::move(checkpoint), std::move(load)};
}

}  // namespace xlstm
