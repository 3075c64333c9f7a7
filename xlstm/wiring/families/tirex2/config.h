// config.json of a TiRex-2 model.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "xlstm/wiring/config_file.h"
#include "xlstm/wiring/diagnostics.h"
#include "xlstm/wiring/families/tirex2/tirex2.h"

namespace xlstm::tirex2 {

struct BlockConfig {
  bool is_slstm = false;
  std::int64_t cell_heads = 0, attention_heads = 0;  // 0 of a mixer that has faults
};

struct Tirex2Config {
  std::int64_t D = 0;
  std::vector<BlockConfig> blocks;  // in the recipe's order
  std::int64_t input_ff_dim = 0, head_ff_dim = 0;
  Activation act_func = Activation::kSilu;
  bool qk_norm = true;
  std::optional<float> out_norm_eps;  // none: no norm behind the last block
  SeriesSpec series;
};

// Reads and checks every key, as the package does: unknown ones are faults, as are values that are
// missing, out of range or not run. Throws Error(kFormat) where a key has the wrong type.
Tirex2Config read_config(const ConfigFile& file, Diagnostics& diagnostics);

}  // namespace xlstm::tirex2
