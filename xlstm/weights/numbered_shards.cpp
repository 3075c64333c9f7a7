#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/weights/joined_source.h"
#include "xlstm/weights/safetensors.h"
#include "xlstm/weights/shards.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

std::string shard_name(std::uint64_t number) {
  return str("model_", number, ".safetensors");
}

// 3 for "model_3.safetensors"; nullopt for any other spelling.
std::optional<std::uint64_t> shard_number(const std::string& name) {
  constexpr std::string_view kPrefix = "model_";
  std::uint64_t number = 0;
  if (name.size() <= kPrefix.size()) return std::nullopt;
  const auto [end, error] =
      std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
  if (error != std::errc() || name != shard_name(number)) return std::nullopt;
  return number;
}

std::set<std::uint64_t> shard_numbers(const fs::path& folder) {
  std::set<std::uint64_t> numbers;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (const auto number = shard_number(entry->path().filename().string())) {
      numbers.insert(*number);
    }
  }
  if (error) {
    fail(ErrorKind::kFile, folder.string(), str("cannot list the folder: ", error.message()));
  }
  return numbers;
}

}  // namespace

bool has_numbered_shards(const fs::path& folder) {
  return !shard_numbers(folder).empty();
}

std::unique_ptr<TensorSource> open_numbered_shards(const fs::path& folder) {
  std::vector<std::unique_ptr<TensorSource>> shards;
  for (const std::uint64_t number : shard_numbers(folder)) {
    if (number != shards.size()) {
      fail_wanted(ErrorKind::kFile, folder.string(),
                  str(shard_name(shards.size()), " before ", shard_name(number)), "none");
    }
    shards.push_back(open_safetensors(folder / shard_name(number)));
  }
  return join_sources(std::move(shards));
}

}  // namespace xlstm
