// Recurrent states on disk: safetensors with the model's fingerprint and description and the
// position. Of a model that is divided among ranks the file is the whole's: all ranks save or load
// together, and all throw where one fails; what one number of ranks saved, any other goes on with.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "xlstm/model/model.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

// Writes the state whole or not at all; evaluates it first. The file has a tensor for each that the
// plan's layers declare, by its name and with a first axis of length 1, and "next_logits" [1, 1,
// V]. Of several ranks rank 0 writes it. Throws Error: kFile; kModel where the state is not finite;
// kUsage where a state that has read nothing would replace one that has.
void save_state(const std::filesystem::path& file, const State& state, const Model& model);

// Of several ranks each reads the file and keeps its part. Throws Error: kFile (unreadable, or not
// the same for all ranks), kFormat (damaged, not finite, not of one sequence, or not a state),
// kModel (another model's state, and what differs).
State load_state(const std::filesystem::path& file, const Model& model);

// What a state must fit: Model's own of these. Of a rank, its plan and the whole's fingerprint.
struct StateOwner {
  const Plan& plan;
  std::string fingerprint;
  std::map<std::string, std::string> description = {};
};

// The part of load_state that looks at the file's contents, into memory of `backend`. `where` names
// the file in errors.
State read_state(const TensorSource& source, const StateOwner& owner, Backend& backend,
                 const std::string& where);

}  // namespace xlstm
