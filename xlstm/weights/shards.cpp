#include "xlstm/weights/shards.h"

#include <algorithm>
#include <set>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/mapped_file.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

class JoinedSource : public TensorSource {
 public:
  explicit JoinedSource(std::vector<std::unique_ptr<TensorSource>> sources)
      : sources_(std::move(sources)) {
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      for (std::size_t i = 0; i < sources_[s]->tensors().size(); ++i) places_.push_back({s, i});
      for (const auto& item : sources_[s]->metadata()) metadata_.insert(item);
    }
    const auto info = [&](const Place& at) -> const TensorInfo& {
      return sources_[at.source]->tensors()[at.index];
    };
    std::sort(places_.begin(), places_.end(),
              [&](const Place& a, const Place& b) { return info(a).name < info(b).name; });
    for (const Place& place : places_) {
      if (!tensors_.empty() && tensors_.back().name == info(place).name) {
        fail_wanted(ErrorKind::kFormat, info(place).file.string(),
                    str("tensor ", quoted(info(place).name), " in one file"),
                    str("it again in ", tensors_.back().file.string()));
      }
      tensors_.push_back(info(place));
    }
  }

  const std::vector<TensorInfo>& tensors() const override { return tensors_; }
  std::span<const std::byte> bytes(std::size_t index) const override {
    return sources_[places_[index].source]->bytes(places_[index].index);
  }
  void release(std::size_t index) const override {
    sources_[places_[index].source]->release(places_[index].index);
  }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }

 private:
  struct Place {
    std::size_t source, index;
  };
  std::vector<std::unique_ptr<TensorSource>> sources_;
  std::vector<Place> places_;        // of tensors_, in the same order
  std::vector<TensorInfo> tensors_;  // sorted by name
  std::map<std::string, std::string> metadata_;
};

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

// tensor name -> file name, as the index says
std::map<std::string, std::string> read_weight_map(const std::filesystem::path& index) {
  const std::string where = index.string();
  const MappedFile file(index);
  const Json json = parse_json(text_of(file), where, {.max_depth = 8});
  const auto found = json.is_object() ? json.find("weight_map") : json.end();
  if (found == json.end() || !found->is_object()) {
    fail_wanted(ErrorKind::kFormat, where, "an object \"weight_map\"", "none");
  }
  std::map<std::string, std::string> map;
  for (const auto& [tensor, value] : found->items()) {
    if (!value.is_string()) {
      fail_wanted(ErrorKind::kFormat, where, str("a file name for ", quoted(tensor)),
                  kind_of(value));
    }
    const auto name = value.get<std::string>();
    const std::filesystem::path path(name);
    if (name.empty() || name == "." || name == ".." || path.filename() != path ||
        name.find_first_of(std::string("\0\\", 2)) != std::string::npos) {
      fail_wanted(ErrorKind::kFormat, where, "files in its own folder", quoted(name));
    }
    map[tensor] = name;
  }
  if (map.empty())
    fail_wanted(ErrorKind::kFormat, where, "a weight_map with tensors", "an empty one");
  return map;
}

void check_against_index(const TensorSource& source, const std::map<std::string, std::string>& map,
                         const std::string& where) {
  for (const TensorInfo& info : source.tensors()) {
    const auto found = map.find(info.name);
    const std::string file = info.file.filename().string();
    if (found != map.end() && found->second == file) continue;
    fail_wanted(
        ErrorKind::kFormat, where, str("every tensor of ", file, " listed under it"),
        str(quoted(info.name),
            found == map.end() ? " not listed" : str(" listed under ", quoted(found->second))));
  }
  for (const auto& [tensor, file] : map) {
    if (source.find(tensor) != TensorSource::npos) continue;
    fail_wanted(ErrorKind::kFormat, where, str("tensor ", quoted(tensor), " in ", file),
                "none there");
  }
}

}  // namespace

std::unique_ptr<TensorSource> join_sources(std::vector<std::unique_ptr<TensorSource>> sources) {
  return std::make_unique<JoinedSource>(std::move(sources));
}

std::unique_ptr<TensorSource> open_indexed_shards(const std::filesystem::path& index) {
  const auto map = read_weight_map(index);
  std::set<std::string> files;
  for (const auto& [tensor, file] : map) files.insert(file);
  std::vector<std::unique_ptr<TensorSource>> sources;
  for (const std::string& file : files)
    sources.push_back(open_safetensors(index.parent_path() / file));
  auto joined = join_sources(std::move(sources));
  check_against_index(*joined, map, index.string());
  return joined;
}

std::unique_ptr<TensorSource> open_numbered_shards(const std::filesystem::path& folder) {
  // Count by what the folder holds, so that a gap is seen and not taken for the end.
  std::size_t shards = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("model_", 0) == 0 && entry.path().extension() == ".safetensors") ++shards;
  }
  std::vector<std::unique_ptr<TensorSource>> sources;
  for (std::size_t k = 0; k < shards; ++k) {
    const auto file = folder / str("model_", k, ".safetensors");
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
      fail_wanted(ErrorKind::kFormat, folder.string(),
                  str("model_0.safetensors to model_", shards - 1, ".safetensors without a gap"),
                  str("no model_", k, ".safetensors"));
    }
    sources.push_back(open_safetensors(file));
  }
  return join_sources(std::move(sources));
}

}  // namespace xlstm
