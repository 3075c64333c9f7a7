#include "xlstm/hub/snapshot.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/json.h"
#include "xlstm/hub/cache_files.h"
#include "xlstm/hub/needed_files.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostIndexBytes = 100'000'000;

// Of what is no index whoever opens it says what is wrong.
bool shards_are_there(const fs::path& index) {
  const std::set<std::string> shards = shards_of(index);
  return std::all_of(shards.begin(), shards.end(), [&](const std::string& shard) {
    return is_there(index.parent_path() / shard);
  });
}

bool weights_are_there(const fs::path& snapshot) {
  if (is_there(snapshot / kWholeWeights)) return true;
  if (is_there(snapshot / kWeightsIndex)) return shards_are_there(snapshot / kWeightsIndex);
  if (is_there(snapshot / kTorchIndex)) return shards_are_there(snapshot / kTorchIndex);
  std::error_code error;
  for (fs::directory_iterator entry(snapshot, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if ((is_numbered_shard(name) || is_torch_file(name)) && is_there(entry->path())) return true;
  }
  return false;
}

// A repository of weights alone, as Lightning writes them, has no config.
bool config_is_there(const fs::path& snapshot) {
  std::error_code error;
  bool has_checkpoint = false;
  for (fs::directory_iterator entry(snapshot, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_config(name) && is_there(entry->path())) return true;
    has_checkpoint = has_checkpoint || name.ends_with(".ckpt");
  }
  return has_checkpoint;
}

bool is_usable(const fs::path& snapshot, HubContent content) {
  if (content == HubContent::kTokenizer) return is_there(snapshot / "tokenizer.json");
  return config_is_there(snapshot) && weights_are_there(snapshot);
}

}  // namespace

std::set<std::string> shards_of(const fs::path& index) {
  std::set<std::string> shards;
  try {
    const Json json = parse_json(whole_file(index, kMostIndexBytes), index.string());
    const auto map = json.is_object() ? json.find("weight_map") : json.end();
    if (map == json.end() || !map->is_object()) return shards;
    for (const Json& shard : *map) {
      if (shard.is_string()) shards.insert(shard.get<std::string>());
    }
  } catch (const Error&) {
  }
  return shards;
}

SnapshotState snapshot_state(const RepositoryFolder& folder, const std::string& commit,
                             HubContent content) {
  if (!is_usable(folder.snapshot(commit), content)) return SnapshotState::kNone;
  const auto names = known_names(content);
  const bool all_known = std::all_of(names.begin(), names.end(), [&](std::string_view name) {
    return is_there(folder.snapshot(commit) / name) || is_there(folder.absent(commit, name));
  });
  return all_known ? SnapshotState::kWhole : SnapshotState::kUsable;
}

}  // namespace xlstm
