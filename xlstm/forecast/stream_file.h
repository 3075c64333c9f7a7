// Streams on disk: safetensors with the model's fingerprint and description and the position.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "xlstm/base/shape.h"
#include "xlstm/model/loaded_plan.h"

namespace xlstm {

struct StreamContents {
  struct Numbers {
    Shape shape;
    std::vector<float> values;  // may be NaN
  };

  std::uint64_t position = 0;              // values read, of each row
  std::map<std::string, Numbers> tensors;  // by name
};

// Writes the file whole or not at all. Throws Error(kFile).
void save_stream(const std::filesystem::path& file, const StreamContents& contents,
                 const LoadedPlan& model);

// Throws Error: kFile (unreadable), kFormat (damaged, or no stream), kModel (another model's, and
// what differs).
StreamContents load_stream(const std::filesystem::path& file, const LoadedPlan& model);

}  // namespace xlstm
