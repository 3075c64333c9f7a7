#include "xlstm/wiring/model_config.h"

#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"

namespace xlstm {

namespace fs = std::filesystem;

fs::path folder_of_model(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return path;
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

ModelConfig read_config(const fs::path& path, const TensorSource& source) {
  const fs::path folder = folder_of_model(path);
  const fs::path file = folder / "config.json";
  std::error_code ignored;
  if (fs::exists(file, ignored)) return {whole_file(file), file};
  if (std::string own = source.config(); !own.empty()) {
    return {std::move(own), source.tensors().front().file};
  }
  if (fs::exists(folder / "config.yaml", ignored)) {
    fail(ErrorKind::kFile, folder.string(),
         "wanted a file config.json, got config.yaml, which is not read yet: write its keys and "
         "values as JSON into config.json");
  }
  fail_wanted(ErrorKind::kFile, folder.string(), "a file config.json", "none");
}

}  // namespace xlstm
