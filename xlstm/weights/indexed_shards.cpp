#include <set>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/json.h"
#include "xlstm/weights/file_format.h"
#include "xlstm/weights/joined_source.h"
#include "xlstm/weights/shards.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostIndexBytes = 100'000'000;
constexpr JsonLimits kIndexLimits = {.max_depth = 8, .max_values = 4'000'000};

using WeightMap = std::map<std::string, std::string>;  // tensor name -> file name

// A plain name that stays in the index's folder, on every system. The file may be a symbolic link.
bool is_file_name(const std::string& name) {
  constexpr std::string_view kForbidden("\0/\\", 3);
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(kForbidden) == std::string::npos;
}

std::string parse_file_name(const Json& value, const std::string& tensor,
                            const std::string& where) {
  if (!value.is_string()) {
    fail_wanted(ErrorKind::kFormat, where, str("a file name for ", quoted(tensor)),
                described(value));
  }
  auto name = value.get<std::string>();
  if (!is_file_name(name)) {
    fail_wanted(ErrorKind::kFormat, where,
                str("the name of a file in its own folder for ", quoted(tensor)), quoted(name));
  }
  return name;
}

WeightMap read_weight_map(const fs::path& index) {
  const std::string where = index.string();
  const Json json = parse_json(whole_file(index, kMostIndexBytes), where, kIndexLimits);
  const auto found = json.is_object() ? json.find("weight_map") : json.end();
  if (found == json.end() || !found->is_object() || found->empty()) {
    fail_wanted(ErrorKind::kFormat, where, "an object \"weight_map\" that names tensors",
                found == json.end() ? "none" : described(*found));
  }
  WeightMap map;
  for (const auto& [tensor, value] : found->items()) {
    map.emplace(tensor, parse_file_name(value, tensor, where));
  }
  return map;
}

std::unique_ptr<TensorSource> open_shard(const fs::path& index, const std::string& name) {
  const fs::path file = index.parent_path() / name;
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    fail_wanted(ErrorKind::kFile, index.string(), str("the file ", quoted(name), " beside it"),
                "none (is the download complete?)");
  }
  return open_weights_file(file);
}

// Index and shards must name the same tensors in the same files.
void check_against_index(const TensorSource& source, const WeightMap& map,
                         const std::string& where) {
  for (const TensorInfo& info : source.tensors()) {
    const std::string file = info.file.filename().string();
    const auto found = map.find(info.name);
    if (found == map.end()) {
      fail_wanted(ErrorKind::kFormat, where,
                  str("an entry for tensor ", quoted(info.name), ", which ", file, " holds"),
                  "none");
    }
    if (found->second != file) {
      fail_wanted(ErrorKind::kFormat, where,
                  str("tensor ", quoted(info.name), " in ", quoted(found->second)),
                  str("it in ", quoted(file)));
    }
  }
  for (const auto& [tensor, file] : map) {
    if (source.find(tensor) != TensorSource::npos) continue;
    fail_wanted(ErrorKind::kFormat, where, str("tensor ", quoted(tensor), " in ", quoted(file)),
                "none there");
  }
}

}  // namespace

std::unique_ptr<TensorSource> open_indexed_shards(const fs::path& index) {
  const WeightMap map = read_weight_map(index);
  std::set<std::string> names;
  for (const auto& [tensor, file] : map) names.insert(file);
  std::vector<std::unique_ptr<TensorSource>> shards;
  for (const std::string& name : names) shards.push_back(open_shard(index, name));
  auto joined = join_sources(std::move(shards));
  check_against_index(*joined, map, index.string());
  return joined;
}

}  // namespace xlstm
