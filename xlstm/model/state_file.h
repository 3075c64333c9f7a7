// Recurrent states on disk: safetensors with the model's fingerprint and the positions.
#pragma once

#include <filesystem>
#include <string>

#include "xlstm/model/model.h"
#include "xlstm/model/state.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

// Writes the state whole or not at all; evaluates it first. Throws Error: kFile, and kUsage where a
// state that has read nothing would replace one that has.
void save_state(const std::filesystem::path& file, const ModelState& state, const Model& model);

// Throws Error: kFile (unreadable), kFormat (damaged, or not a state), kModel (another model's
// state).
ModelState load_state(const std::filesystem::path& file, const Model& model);

// The part of load_state that looks at the file's contents: `source` against the sizes and
// fingerprint of the model it is for. `where` names the file in errors.
ModelState read_state(const TensorSource& source, const LargeDims& dims,
                      const std::string& fingerprint, const std::string& where);

}  // namespace xlstm
