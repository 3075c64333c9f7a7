// config.json of an xLSTM-large model, in the dialect of Hugging Face or of the NX-AI package.
#pragma once

#include <cstdint>
#include <optional>

#include "xlstm/wiring/config_file.h"
#include "xlstm/wiring/diagnostics.h"

namespace xlstm::xlstm_large {

// What the file says. An empty optional: the file does not say, and the tensors decide; the others
// hold the documented default then.
struct LargeConfig {
  std::optional<std::int64_t> vocab_size;
  std::optional<std::int64_t> embedding_dim, hidden_size;     // two names of D
  std::optional<std::int64_t> num_blocks, num_hidden_layers;  // two names of L
  std::optional<std::int64_t> num_heads;
  std::optional<double> qk_dim_factor, v_dim_factor, ffn_proj_factor;  // of D
  std::int64_t ffn_round_up_to_multiple_of = 64;
  std::optional<bool> use_bias;
  std::optional<bool> add_out_norm;
  std::optional<bool> tie_word_embeddings;
  bool norm_reduction_force_float32 = true;
  float norm_eps = 1e-6F;
  float eps = 1e-6F;                                   // of the cell
  std::optional<float> gate_soft_cap = 15.0F;          // empty: the file says null, no cap
  std::optional<float> output_logit_soft_cap = 30.0F;  // likewise
  std::int64_t chunk_size = 64;
};

// Reads the keys that decide what is computed; all others are ignored. Throws Error(kFormat) where
// a key has the wrong type. Values out of range and architectures that we do not compute (siging
// kernels, add_qk_norm, add_post_norm) are faults.
LargeConfig read_config(const ConfigFile& file, Diagnostics& diagnostics);

}  // namespace xlstm::xlstm_large
