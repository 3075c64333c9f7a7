// The config of a TiRex model: the hyper-parameters of its checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "xlstm/wiring/config_file.h"
#include "xlstm/wiring/diagnostics.h"

namespace xlstm::tirex {

// Empty optionals: the config does not say, and the tensors decide.
struct TirexConfig {
  std::int64_t P = 0;        // values of a patch
  std::int64_t context = 0;  // values that are read, a multiple of P
  std::vector<float> quantiles;
  std::optional<std::int64_t> input_ff_dim;
  std::optional<std::int64_t> embedding_dim, num_blocks, num_heads;
  std::int64_t resampling_context = 2016;  // from which the slowest season to look for follows
};

// Whether these are the hyper-parameters of such a model: "model_config" and "train_ctx_len".
bool is_tirex_config(const ConfigFile& file);

// Reads {"model_config": {...}, "train_ctx_len": ...}; keys that do not decide what is computed are
// ignored. Faults: keys that are missing or out of range, and blocks that are not run. Throws
// Error(kFormat) where a key has the wrong type.
TirexConfig read_config(const ConfigFile& file, Diagnostics& diagnostics);

}  // namespace xlstm::tirex
