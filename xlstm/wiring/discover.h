// A config + tensor headers -> a checked plan.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/model_config.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

struct Family;                              // family.h
std::span<const Family* const> families();  // that are run

// Asks `among` which family this is and wires the config of the model at `path` (model_config.h) to
// `source`; of a generation_config.json beside it, the ids of special tokens. Throws Error: kFile
// (no config), kFormat (malformed files), kModel with every fault found (missing, unexpected,
// misshapen tensors, gaps in block numbers, config against shapes, kinds we do not run), at most 20
// and then a count.
Plan discover(const std::filesystem::path& path, const TensorSource& source,
              std::span<const Family* const> among = families());

// The same with the config in hand.
Plan discover(const std::filesystem::path& path, const ModelConfig& config,
              const TensorSource& source, std::span<const Family* const> among = families());

// The same without a file; `where` names the model in errors.
Plan discover(std::string_view config_json, const TensorSource& source, std::string_view where,
              std::span<const Family* const> among = families());

// The folder models--ORG--NAME of a hub's cache that `folder` is a snapshot of,
// models--ORG--NAME/snapshots/COMMIT; empty where it is none.
std::filesystem::path repository_of(const std::filesystem::path& folder);

// What people call the model at `path`: "ORG/NAME" of the folders models--ORG--NAME and
// models--ORG--NAME/snapshots/COMMIT of a hub's cache, else the folder's name. Of a file of weights
// its name without the ending, or its folder's name where that is "model" or "pytorch_model".
std::string model_name(const std::filesystem::path& path);

}  // namespace xlstm
