// A model's name -> its folder.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm {

inline constexpr std::string_view kDefaultModel = "classics-8m";

// Folders that hold embedded models, most important first; they need not exist.
std::vector<std::filesystem::path> model_roots();

// The folder that `name` stands for ("" is the default model), embedded ones looked for in `roots`.
// Throws Error(kFile): what was wanted, where was looked, and the nearest name that exists.
std::filesystem::path resolve_model(const std::string& name,
                                    const std::vector<std::filesystem::path>& roots);

}  // namespace xlstm
