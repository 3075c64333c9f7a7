// Files of the cache, listed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace xlstm {

inline constexpr std::string_view kIncomplete = ".incomplete";  // how such a blob's name ends

// What a folder holds, sorted; nothing where there is no folder. Throws Error(kFile).
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder);

// All that are no folders, in it and below; links are not followed.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder);

// What the Finder puts into every folder that somebody looks at.
bool is_of_the_desktop(const std::filesystem::path& file);

// A link to nothing is not there.
bool is_there(const std::filesystem::path& path);

// Of the file that it is or leads to; 0 where there is none.
std::uint64_t bytes_of(const std::filesystem::path& file);

}  // namespace xlstm
