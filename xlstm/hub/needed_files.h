// Which files of a repository a model needs.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/hub/hub.h"

namespace xlstm {

// Of `names`, a repository's files, those that `content` asks for, in their order. Weights in one
// format: model.safetensors, else an index and its shards, else numbered shards, else PyTorch's.
// Throws Error(kModel) naming `where` when there are no weights (or no tokenizer).
std::vector<std::string> needed_files(const std::vector<std::string>& names, HubContent content,
                                      std::string_view where);

// Names that a repository may have one file each of, and that are looked for by these names. Of
// those that it does not have the cache remembers that.
std::vector<std::string_view> known_names(HubContent content);

// A model's configuration, which is put into a snapshot last.
bool is_config(std::string_view name);

// model_3.safetensors -> true
bool is_numbered_shard(std::string_view name);
inline constexpr std::string_view kWholeWeights = "model.safetensors";
inline constexpr std::string_view kWeightsIndex = "model.safetensors.index.json";
inline constexpr std::string_view kTorchWeights = "pytorch_model.bin";
inline constexpr std::string_view kTorchIndex = "pytorch_model.bin.index.json";
// Whether it holds weights in one of PyTorch's own formats.
bool is_torch_file(std::string_view name);

}  // namespace xlstm
