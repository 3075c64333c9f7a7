#include "xlstm/base/error.h"
#include "xlstm/weights/safetensors.h"
#include "xlstm/weights/shards.h"

namespace xlstm {
namespace fs = std::filesystem;

std::unique_ptr<TensorSource> open_weights(const fs::path& file_or_folder) {
  std::error_code error;
  const fs::file_status status = fs::status(file_or_folder, error);
  if (!fs::exists(status)) {
    fail_wanted(
        ErrorKind::kFile, file_or_folder.string(), "a checkpoint file or folder",
        error && error != std::errc::no_such_file_or_directory ? error.message() : "nothing there");
  }
  if (!fs::is_directory(status)) return open_safetensors(file_or_folder);

  const auto has = [&](const char* name) { return fs::exists(file_or_folder / name, error); };
  // An index beside a whole file would be about other files: the whole file says all itself.
  if (has("model.safetensors")) return open_safetensors(file_or_folder / "model.safetensors");
  if (has("model.safetensors.index.json")) {
    return open_indexed_shards(file_or_folder / "model.safetensors.index.json");
  }
  if (has("model_0.safetensors")) return open_numbered_shards(file_or_folder);
  fail_wanted(ErrorKind::kFile, file_or_folder.string(),
              "model.safetensors, model.safetensors.index.json or model_0.safetensors",
              "none of them");
}

}  // namespace xlstm
