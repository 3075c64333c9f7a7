// Recurrent states on disk: safetensors with the model's fingerprint and description and the
// positions.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "xlstm/model/large_dims.h"
#include "xlstm/model/model.h"
#include "xlstm/model/state.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// Writes the state whole or not at all; evaluates it first. Throws Error: kFile; kModel where the
// state is not finite; kUsage where a state that has read nothing would replace one that has.
void save_state(const std::filesystem::path& file, const ModelState& state, const Model& model);

// Throws Error: kFile (unreadable), kFormat (damaged, not finite, or not a state), kModel (another
// model's state, and what differs).
ModelState load_state(const std::filesystem::path& file, const Model& model);

// What a state must fit: Model's own of these.
struct StateOwner {
  LargeDims dims;
  std::string fingerprint;
  std::map<std::string, std::string> description = {};
};

// The part of load_state that looks at the file's contents. `where` names the file in errors.
ModelState read_state(const TensorSource& source, const StateOwner& owner,
                      const std::string& where);

}  // namespace xlstm
