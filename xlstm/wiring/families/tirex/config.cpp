#include "xlstm/wiring/families/tirex/config.h"

#include <string>

#include "xlstm/base/error.h"
#include "xlstm/wiring/quantile_levels.h"

namespace xlstm::tirex {
namespace {

// The object `key`; an empty one where there is none, which its keys' absence then shows.
ConfigFile part_of(const ConfigFile& file, const std::string& key) {
  const auto found = file.root.find(key);
  if (found == file.root.end()) return {Json::object(), file.where};
  if (!found->is_object()) {
    fail_wanted(ErrorKind::kFormat, file.where, str("an object for ", quoted(key)),
                described(*found));
  }
  return {*found, file.where};
}

// Of values of a series.
std::int64_t wanted_count(ConfigKeys& keys, const ConfigFile& file, std::string_view key) {
  const std::optional<std::int64_t> value = keys.count(key, kMostSeriesValues);
  if (!value && !file.root.contains(std::string(key))) keys.refuse(key, "is missing");
  return value.value_or(0);
}

void read_blocks(const ConfigFile& file, Diagnostics& diagnostics, TirexConfig& config) {
  ConfigKeys keys(file, diagnostics);
  config.embedding_dim = keys.count("embedding_dim");
  config.num_blocks = keys.count("num_blocks");
  config.num_heads = keys.count("num_heads");
  if (!keys.flag("all_slstm").value_or(true)) {
    keys.refuse("all_slstm", "is false: only stacks of sLSTM blocks are run");
  }
}

void read_patches(ConfigKeys& keys, const ConfigFile& file, TirexConfig& config) {
  config.P = wanted_count(keys, file, "input_patch_size");
  const std::int64_t output = wanted_count(keys, file, "output_patch_size");
  if (output == config.P) return;
  keys.refuse("output_patch_size",
              str("is ", output, " and input_patch_size ", config.P, ": only equal ones are run"));
}

}  // namespace

bool is_tirex_config(const ConfigFile& file) {
  return file.root.contains("model_config") && file.root.contains("train_ctx_len");
}

TirexConfig read_config(const ConfigFile& file, Diagnostics& diagnostics) {
  TirexConfig config;
  ConfigKeys outer(file, diagnostics);
  config.context = wanted_count(outer, file, "train_ctx_len");
  const ConfigFile model = part_of(file, "model_config");
  ConfigKeys keys(model, diagnostics);
  read_patches(keys, model, config);
  config.quantiles = read_quantile_levels(model, keys);
  config.input_ff_dim = keys.count("input_ff_dim");
  config.resampling_context =
      keys.count("max_context", kMostSeriesValues).value_or(config.resampling_context);
  read_blocks(part_of(model, "block_kwargs"), diagnostics, config);
  if (config.P > 0 && config.context % config.P != 0) {
    outer.refuse("train_ctx_len",
                 str("is ", config.context, ", which is no multiple of the patch, ", config.P));
  }
  return config;
}

}  // namespace xlstm::tirex
