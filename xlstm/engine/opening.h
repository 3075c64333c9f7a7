// What comes between a model's name and its weights in memory, whatever kind of model it is.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "xlstm/backend/backend.h"
#include "xlstm/engine/engine.h"
#include "xlstm/model/loaded_plan.h"
#include "xlstm/wiring/checkpoint.h"
#include "xlstm/wiring/division.h"
#include "xlstm/wiring/quantization_recipe.h"

namespace xlstm {

// What options.quantization asks for. Throws Error(kUsage).
std::optional<QuantizationRecipe> recipe_of(const EngineOptions& options);

// The same for weights that are random: nothing is searched, which takes minutes for billions of
// them, and nobody reads what they say.
std::optional<QuantizationRecipe> recipe_of_random(const EngineOptions& options);

// A checkpoint of random weights: a size of model/synthetic.h. Throws Error(kUsage).
Checkpoint synthetic_checkpoint(const std::string& size);

// A checkpoint that is about to be loaded, and how.
struct Loadable {
  Checkpoint checkpoint;
  LoadOptions options;
};

// What this rank of options.group computes of a model that is divided; none where there is no
// group. Throws Error(kUsage) as divide() does.
std::optional<Division> division_of(const Checkpoint& checkpoint, const EngineOptions& options,
                                    const std::optional<QuantizationRecipe>& recipe);

// Checks that the model fits the memory that is left, and tells options.on_notice where quantising
// changes nothing; what is loaded is a quantised copy where options want one. `where` names the
// model. Of a rank it is the rank's part. Throws Error(kMemory) and as quantized_copy() and
// divide() do.
Loadable prepare_load(Checkpoint checkpoint, Backend& backend, const EngineOptions& options,
                      const std::optional<QuantizationRecipe>& recipe, const std::string& where);

}  // namespace xlstm
