// The config of a model of the first paper's blocks, as the NX-AI package's xLSTMLMModelConfig and
// xLSTMBlockStackConfig write it: dataclasses in each other, at the root or under "model".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/activation.h"
#include "xlstm/wiring/config_file.h"
#include "xlstm/wiring/diagnostics.h"

namespace xlstm::xlstm_original {

// What the file says of a width E = proj_factor * D, rounded to a multiple. An empty optional: the
// file does not say, and the tensors decide.
struct ProjectionWidth {
  std::string path;  // "mlstm_block.mlstm."
  std::optional<double> factor;
  bool round_up = true;
  std::int64_t multiple_of = 64;
  std::vector<std::pair<std::string_view, std::int64_t>> derived;  // keys that give it as a number

  double of(std::int64_t D) const;  // `factor` has a value; it may be too large for a width
};

struct MlstmConfig {
  std::optional<std::int64_t> num_heads, qkv_proj_blocksize;
  std::int64_t conv1d_kernel_size = 4;
  ProjectionWidth inner;
};

struct FeedForwardConfig {
  Activation act_fn = Activation::kGelu;
  bool bias = false;
  ProjectionWidth inner;
};

struct SlstmConfig {
  std::optional<std::int64_t> num_heads;
  std::int64_t conv1d_kernel_size = 4;  // 0: no convolution, and no SiLU
  bool group_norm_weight = true;
  std::optional<FeedForwardConfig> feedforward;
};

struct OriginalConfig {
  std::optional<std::int64_t> vocab_size, embedding_dim, num_blocks;
  bool add_post_blocks_norm = true;
  bool bias = false;  // of the mLSTM layers' projections
  bool tie_weights = false;
  bool all_slstm = false;                // slstm_at is "all", or there is no mlstm_block
  std::vector<std::int64_t> slstm_at;    // from 0 on, or from -1 down counted from the end
  std::optional<std::string> block_map;  // "0,1,0": derived from the two above
  std::optional<MlstmConfig> mlstm;      // none: the file's mlstm_block is null
  std::optional<SlstmConfig> slstm;
};

// Keys that are missing have the package's defaults; of widths of the stream and of biases those of
// the stack count, whatever a block says, as in the package. Throws Error(kFormat) where a key has
// the wrong type. Values out of range, and what we do not compute, are faults.
OriginalConfig read_config(const ConfigFile& file, Diagnostics& diagnostics);

// The object that holds the keys: the root, or what is under "model".
ConfigFile stack_config(const ConfigFile& file);

// "gelu", as in a config.
std::string_view name_of(Activation activation);

}  // namespace xlstm::xlstm_original
