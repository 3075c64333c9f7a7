// What a scalar of YAML without quotes is.
#pragma once

#include <optional>
#include <string>

#include "xlstm/base/json.h"

namespace xlstm {

// By the core schema of YAML 1.2 (chapter 10.3); nullopt for a number that JSON cannot hold: .inf,
// .nan, or one too large for a double.
std::optional<Json> yaml_scalar(const std::string& text);

}  // namespace xlstm
