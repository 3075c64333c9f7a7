#include "xlstm/hub/needed_files.h"

#include <algorithm>
#include <array>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::array<std::string_view, 6> kTokenizerNames = {
    "tokenizer.json",    "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "chat_template.jinja",   "chat_template.json"};
constexpr std::array<std::string_view, 4> kOldTokenizerNames = {"vocab.json", "merges.txt",
                                                                "vocab.txt", "tokenizer.model"};
constexpr std::array<std::string_view, 5> kModelNames = {
    "config.json", "config.yaml", "generation_config.json", kWholeWeights, kWeightsIndex};

using Names = std::vector<std::string>;

bool contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool all_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// "model-00001-of-00006.safetensors"
bool is_indexed_shard(std::string_view name, std::string_view prefix, std::string_view suffix) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return false;
  const std::string_view middle =
      name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  const std::size_t of = middle.find("-of-");
  return of != std::string_view::npos && all_digits(middle.substr(0, of)) &&
         all_digits(middle.substr(of + 4));
}

template <typename Wanted>
Names chosen(const Names& names, const Wanted& wanted) {
  Names found;
  std::copy_if(names.begin(), names.end(), std::back_inserter(found), [&](const std::string& name) {
    return name.find('/') == std::string::npos && wanted(name);
  });
  return found;
}

// What training writes beside the weights.
bool is_training_state(std::string_view name) {
  constexpr std::array<std::string_view, 6> kPrefixes = {
      "optimizer", "scheduler", "training_args", "rng_state", "random_states", "scaler"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// The index and the shards beside it, which some call as they like.
Names with_index(const Names& names, std::string_view index, std::string_view prefix,
                 std::string_view suffix) {
  Names found =
      chosen(names, [&](std::string_view name) { return is_indexed_shard(name, prefix, suffix); });
  if (found.empty()) {
    found = chosen(names, [&](std::string_view name) {
      return name.ends_with(suffix) && !is_training_state(name);
    });
  }
  found.emplace_back(index);
  return found;
}

Names weights(const Names& names) {
  if (contains(names, kWholeWeights)) return {std::string(kWholeWeights)};
  if (contains(names, kWeightsIndex)) {
    return with_index(names, kWeightsIndex, "model-", ".safetensors");
  }
  if (Names shards = chosen(names, is_numbered_shard); !shards.empty()) return shards;
  if (contains(names, kTorchWeights)) return {std::string(kTorchWeights)};
  if (contains(names, kTorchIndex)) return with_index(names, kTorchIndex, "pytorch_model-", ".bin");
  for (const std::string_view suffix : {".pt", ".pth", ".ckpt"}) {
    Names found = chosen(names, [&](std::string_view name) {
      return name.ends_with(suffix) && !is_training_state(name);
    });
    if (!found.empty()) return found;
  }
  return {};
}

bool is_tokenizer_text(std::string_view name) {
  const auto is = [&](std::string_view other) { return other == name; };
  return std::any_of(kTokenizerNames.begin(), kTokenizerNames.end(), is) ||
         std::any_of(kOldTokenizerNames.begin(), kOldTokenizerNames.end(), is);
}

std::string some_of(const Names& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 8); ++i) {
    text += (text.empty() ? "" : ", ") + names[i];
  }
  if (names.size() > 8) text += ", ...";
  return text.empty() ? "no file" : text;
}

}  // namespace

bool is_config(std::string_view name) {
  return (name.starts_with("config") && name.ends_with(".json")) || name == "config.yaml" ||
         name == "config.yml" || name == "model-config.yaml";
}

bool is_numbered_shard(std::string_view name) {
  constexpr std::string_view kPrefix = "model_", kSuffix = ".safetensors";
  return name.size() > kPrefix.size() + kSuffix.size() && name.starts_with(kPrefix) &&
         name.ends_with(kSuffix) &&
         all_digits(name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size()));
}

bool is_torch_file(std::string_view name) {
  return !is_training_state(name) && (name.ends_with(".bin") || name.ends_with(".pt") ||
                                      name.ends_with(".pth") || name.ends_with(".ckpt"));
}

std::vector<std::string_view> known_names(HubContent content) {
  std::vector<std::string_view> names(kTokenizerNames.begin(), kTokenizerNames.end());
  if (content == HubContent::kModel)
    names.insert(names.end(), kModelNames.begin(), kModelNames.end());
  return names;
}

std::vector<std::string> needed_files(const std::vector<std::string>& names, HubContent content,
                                      std::string_view where) {
  if (content == HubContent::kTokenizer) {
    if (!contains(names, "tokenizer.json")) {
      fail_wanted(ErrorKind::kModel, where, "a tokenizer.json", some_of(names));
    }
    return chosen(names, is_tokenizer_text);
  }
  const Names of_weights = weights(names);
  if (of_weights.empty()) {
    fail_wanted(ErrorKind::kModel, where,
                str("weights: ", kWholeWeights, ", ", kWeightsIndex,
                    ", model_0.safetensors or PyTorch's .bin, .pt or .ckpt"),
                some_of(names));
  }
  return chosen(names, [&](const std::string& name) {
    return is_config(name) || name == "generation_config.json" || is_tokenizer_text(name) ||
           contains(of_weights, name);
  });
}

}  // namespace xlstm
