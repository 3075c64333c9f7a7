// Where a model's config is: beside its weights, or in their own file.
#pragma once

#include <filesystem>
#include <string>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

struct ModelConfig {
  std::string json;
  std::filesystem::path file;  // that says it; names it in errors
};

// The folder of a model that is opened by `path`, which is that folder or a file of weights in it.
std::filesystem::path folder_of_model(const std::filesystem::path& path);

// Of the model's folder config.json, or else config.yaml (NX-AI's packages), or model-config.yaml
// (early TiRex-2); or else what the weights' own file carries (TensorSource::config()). Throws
// Error: kFile where there is none, kFormat for malformed YAML.
ModelConfig read_config(const std::filesystem::path& path, const TensorSource& source);

}  // namespace xlstm
