#include "xlstm/wiring/checkpoint.h"

#include <system_error>
#include <utility>

namespace xlstm {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> find_tokenizer(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"}) {
    std::error_code ignored;
    if (fs::exists(folder / name, ignored)) {
      out.push_back(folder / name);
    } else if (out.empty()) {
      return out;  // without a tokenizer the others say nothing
    }
  }
  return out;
}

}  // namespace

Checkpoint Checkpoint::open(const fs::path& path, std::span<const Family* const> among) {
  Checkpoint out;
  out.path = path;
  out.folder = folder_of_model(path);
  out.tensors = open_weights(path);
  ModelConfig config = read_config(path, *out.tensors);
  out.plan = discover(path, config, *out.tensors, among);
  out.config = std::move(config.json);
  out.config_file = std::move(config.file);
  out.tokenizer_files = find_tokenizer(out.folder);
  return out;
}

Checkpoint Checkpoint::in_memory(std::string name, std::string config,
                                 std::unique_ptr<TensorSource> tensors,
                                 std::span<const Family* const> among) {
  Checkpoint out;
  out.plan = discover(config, *tensors, name, among);
  out.tensors = std::move(tensors);
  out.config = std::move(config);
  return out;
}

}  // namespace xlstm
