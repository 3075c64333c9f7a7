// Which form of checkpoint a path holds.
#include "xlstm/base/error.h"
#include "xlstm/weights/safetensors.h"
#include "xlstm/weights/shards.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhole = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

bool is_there(const fs::path& path) {
  std::error_code error;
  const bool found = fs::exists(path, error);
  if (error) fail(ErrorKind::kFile, path.string(), str("cannot look for it: ", error.message()));
  return found;
}

std::unique_ptr<TensorSource> open_folder(const fs::path& folder) {
  // An index next to a whole file would describe other files: the whole file needs none.
  if (is_there(folder / kWhole)) return open_safetensors(folder / kWhole);
  if (is_there(folder / kIndex)) return open_indexed_shards(folder / kIndex);
  if (has_numbered_shards(folder)) return open_numbered_shards(folder);
  fail_wanted(ErrorKind::kFile, folder.string(),
              str("a model folder with ", kWhole, ", ", kIndex, " or model_0.safetensors"),
              "none of them");
}

}  // namespace

std::unique_ptr<TensorSource> open_weights(const fs::path& file_or_folder) {
  if (!is_there(file_or_folder)) {
    fail_wanted(ErrorKind::kFile, file_or_folder.string(), "a checkpoint file or folder",
                "nothing of that name");
  }
  std::error_code ignored;
  if (fs::is_directory(file_or_folder, ignored)) return open_folder(file_or_folder);
  const std::string name = file_or_folder.filename().string();
  if (name.ends_with(".index.json")) return open_indexed_shards(file_or_folder);
  return open_safetensors(file_or_folder);
}

}  // namespace xlstm
