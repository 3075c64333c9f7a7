// config.json + tensor headers -> a checked plan.
#pragma once

#include <filesystem>
#include <string_view>

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

// Reads `folder`/config.json and wires it to `source`; of a generation_config.json beside it, the
// ids of special tokens. Throws Error: kFile (no config), kFormat (malformed files), kModel with
// every fault found (missing, unexpected, misshapen tensors, gaps in block numbers, config against
// shapes, kinds we do not run), at most 20 and then a count.
Plan discover(const std::filesystem::path& folder, const TensorSource& source);

// The same with the config's text in hand; `where` names it in errors.
Plan discover(std::string_view config_json, const TensorSource& source, std::string_view where);

}  // namespace xlstm
