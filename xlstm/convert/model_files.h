// A model folder's files besides its weights.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/convert/conversion.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm {

// The config of the checkpoint `from` as `conversions` want it, as JSON: `quantization` as MLX's
// tools write it, with an entry for each layer whose format is not the recipe's, and the type of
// the rest.
std::string config_for(const Checkpoint& from, const std::vector<Conversion>& conversions,
                       const ConvertOptions& options);

// The same as `to`/config.json.
void write_config(const Checkpoint& from, const std::filesystem::path& to,
                  const std::vector<Conversion>& conversions, const ConvertOptions& options);

// Copies tokenizers, generation settings, licences and other texts of the model's folder; no
// weights of any format, no folders. Of one that was opened by a file of weights the tokenizer's
// alone, as the folder around it may be anybody's.
void copy_texts(const Checkpoint& from, const std::filesystem::path& to);

// model.safetensors.index.json for shards that are named by `file_name`.
void write_index(const std::filesystem::path& to,
                 const std::vector<std::vector<Conversion>>& shards);

// "model.safetensors", or "model-00002-of-00005.safetensors".
std::string shard_name(std::size_t index, std::size_t count);

}  // namespace xlstm
