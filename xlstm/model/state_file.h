// Recurrent states on disk: safetensors with the model's fingerprint and the positions.
#pragma once

#include <filesystem>

#include "xlstm/model/model.h"
#include "xlstm/model/state.h"

namespace xlstm {

// Writes the state whole or not at all; evaluates it first. Throws Error(kFile).
void save_state(const std::filesystem::path& file, const ModelState& state, const Model& model);

// Throws Error: kFile (unreadable), kFormat (damaged, or not a state), kModel (another model's
// state).
ModelState load_state(const std::filesystem::path& file, const Model& model);

}  // namespace xlstm
