// Which form of checkpoint a path holds.
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/weights/file_format.h"
#include "xlstm/weights/shards.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWhole = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr const char* kTorchIndex = "pytorch_model.bin.index.json";

bool is_there(const fs::path& path) {
  std::error_code error;
  const bool found = fs::exists(path, error);
  if (error) fail(ErrorKind::kFile, path.string(), str("cannot look for it: ", error.message()));
  return found;
}

// All names in a folder, sorted.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) {
    fail(ErrorKind::kFile, folder.string(), str("cannot list the folder: ", error.message()));
  }
  std::ranges::sort(names);
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += str(out.empty() ? "" : ", ", name);
  return out;
}

// The one of these that is there; "" for none. Throws where there are two.
std::string only(const std::vector<std::string>& found, const fs::path& folder) {
  if (found.size() < 2) return found.empty() ? "" : found.front();
  fail_wanted(ErrorKind::kFile, folder.string(),
              "one file of weights in the folder (or the path of one of them instead)",
              joined(found));
}

// A folder without model.safetensors: the names that others give, else any that ends as such files
// do.
std::string find_single_file(const fs::path& folder) {
  constexpr std::array<std::string_view, 6> kNames = {"model.npz", "pytorch_model.bin", "model.pt",
                                                      "model.pth", "model.ckpt",        "model.th"};
  constexpr std::array<std::string_view, 7> kEndings = {".safetensors", ".npz", ".ckpt", ".pt",
                                                        ".pth",         ".bin", ".th"};
  std::vector<std::string> named, ending;
  for (std::string& name : names_in(folder)) {
    if (std::ranges::count(kNames, name) > 0) named.push_back(name);
    if (std::ranges::count(kEndings, fs::path(name).extension().string()) > 0) {
      ending.push_back(std::move(name));
    }
  }
  return only(named.empty() ? ending : named, folder);
}

[[noreturn]] void refuse_folder(const fs::path& folder) {
  for (const std::string& name : names_in(folder)) {
    const std::string_view reason = refused_by_name(name);
    if (reason.empty()) continue;
    fail_wanted(ErrorKind::kModel, (folder / name).string(),
                "safetensors, NPZ or a torch file (ZIP)", reason);
  }
  fail_wanted(ErrorKind::kFile, folder.string(),
              str("a model folder with ", kWhole, ", ", kIndex,
                  ", model_0.safetensors, model.npz, pytorch_model.bin, ", kTorchIndex,
                  ", model.pt or model.ckpt"),
              "none of them");
}

std::unique_ptr<TensorSource> open_folder(const fs::path& folder) {
  // An index next to a whole file would describe other files: the whole file needs none.
  if (is_there(folder / kWhole)) return open_weights_file(folder / kWhole);
  if (is_there(folder / kIndex)) return open_indexed_shards(folder / kIndex);
  if (has_numbered_shards(folder)) return open_numbered_shards(folder);
  if (is_there(folder / kTorchIndex)) return open_indexed_shards(folder / kTorchIndex);
  if (const std::string file = find_single_file(folder); !file.empty()) {
    return open_weights_file(folder / file);
  }
  refuse_folder(folder);
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
  return open_weights_file(file_or_folder);
}

}  // namespace xlstm
