// The names of an NPZ archive's members.
#pragma once

#include <string_view>

namespace xlstm {

inline constexpr std::string_view kNpyEnding = ".npy";
inline constexpr std::string_view kNpzConfig = "config.json";
inline constexpr std::string_view kNpzMetadata = "metadata.json";  // of strings

}  // namespace xlstm
