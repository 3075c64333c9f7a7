// A model's name -> its folder, or its file of weights.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/hub/hub.h"

namespace xlstm {

inline constexpr std::string_view kDefaultModel = "classics-8m";

// Folders that hold embedded models, most important first; they need not exist.
std::vector<std::filesystem::path> model_roots();

// The folder or file that `name` stands for ("" is the default model), embedded ones looked for in
// `roots`. One with a '/' that is neither here may be a repository's (hub/hub.h), which is then
// fetched; after "hf://" it always is. Throws Error: kFile (what was wanted, where was looked, the
// nearest name that exists), kUsage ("hf://" and no name), what fetch() throws.
std::filesystem::path resolve_model(const std::string& name,
                                    const std::vector<std::filesystem::path>& roots,
                                    const HubOptions& hub = {});

}  // namespace xlstm
