// The name of Json, for headers that only name it; xlstm/base/json.h has the rest.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace xlstm {

using Json = nlohmann::json;

}  // namespace xlstm
