// What a mistyped name may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xlstm::apps {

// "; did you mean --prompt?" for the nearest of `names`, or "" when none is near: at most a third
// of the letters inserted, removed, replaced or swapped with a neighbour.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& names);

}  // namespace xlstm::apps
