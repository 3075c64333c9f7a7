// Quantised copies of models, kept in a folder of ours, so that a model is quantised once.
//
// A copy is the folder that convert() writes, NAME, and beside it NAME.json, which says what it was
// made of (copy_record.h). It is valid while that agrees with the model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "xlstm/engine/engine.h"
#include "xlstm/wiring/checkpoint.h"
#include "xlstm/wiring/quantization_recipe.h"

namespace xlstm {

struct QuantizedCopy {
  std::filesystem::path folder;
  std::filesystem::path model;  // the folder that it was made of; of the hub's cache the
                                // repository's. Empty: it is not complete
  std::string name;             // what people call the model: "org/name", a folder's name
  std::string format;           // as short_name() has it: "4-bit/64"
  std::uint64_t bytes = 0;      // on disk
  bool current = false;         // the model is there, as it was
};

// Where copies are kept unless the caller says otherwise: $XLSTM_CACHE/quantized, else
// $XDG_CACHE_HOME/xlstm/quantized, else ~/.cache/xlstm/quantized. Empty where there is no home.
std::filesystem::path default_quantized_copies();

// All copies in `folder`, by name. What a process that was killed left, or one that works now, is
// among them, without a model; the next copy that is made takes such leavings away.
std::vector<QuantizedCopy> list_quantized_copies(const std::filesystem::path& folder);

// Removes the copy, its record first. Throws Error(kFile).
void remove_quantized_copy(const QuantizedCopy& copy);

// The copy of `model` by `recipe` in options.quantized_copies, made if it is not there: a pass over
// the weights that holds one tensor at a time and reports to options.on_load_progress. Processes
// make copies in turns. `model`
// itself where no copies are wanted, the recipe changes nothing, the model is quantised or lies in
// no folder, and where no copy can be written, which options.on_notice is told.
Checkpoint quantized_copy(Checkpoint model, const QuantizationRecipe& recipe,
                          const EngineOptions& options);

}  // namespace xlstm
