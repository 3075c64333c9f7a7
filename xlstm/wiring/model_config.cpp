#include "xlstm/wiring/model_config.h"

#include <system_error>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/yaml.h"

namespace xlstm {

namespace fs = std::filesystem;

fs::path folder_of_model(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return path;
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

ModelConfig read_config(const fs::path& path, const TensorSource& source) {
  const fs::path folder = folder_of_model(path);
  std::error_code ignored;
  const fs::path json = folder / "config.json";
  if (fs::exists(json, ignored)) return {whole_file(json), json};
  for (const char* name : {"config.yaml", "model-config.yaml"}) {
    const fs::path yaml = folder / name;
    if (!fs::exists(yaml, ignored)) continue;
    return {parse_yaml(whole_file(yaml), yaml.string()).dump(), yaml};
  }
  if (std::string own = source.config(); !own.empty()) {
    return {std::move(own), source.tensors().front().file};
  }
  fail_wanted(
      ErrorKind::kFile, folder.string(),
      "a file config.json, config.yaml or model-config.yaml, or weights that carry a config",
      "none");
}

}  // namespace xlstm
