#include "xlstm/wiring/families/xlstm_large/config.h"

#include <string>

#include "xlstm/base/error.h"

namespace xlstm::xlstm_large {
namespace {

// Kernel names choose among equal implementations, except those of the sigmoid input gate.
void refuse_other_cells(ConfigKeys& keys) {
  for (const char* key : {"chunkwise_kernel", "sequence_kernel", "step_kernel"}) {
    const auto kernel = keys.text(key);
    if (kernel && kernel->find("siging") != std::string::npos) {
      keys.refuse(key, str("is ", quoted(*kernel),
                           ": the cell with a sigmoid input gate (siging) is not run yet"));
    }
  }
  const auto layout = keys.text("weight_mode");
  if (layout && *layout != "single" && *layout != "fused") {
    keys.refuse("weight_mode", str("is ", quoted(*layout), ", wanted \"single\" or \"fused\""));
  }
}

void refuse_other_models(ConfigKeys& keys) {
  const auto type = keys.text("model_type");
  if (type && *type != "xlstm") {
    keys.refuse("model_type", str("is ", quoted(*type), ", wanted \"xlstm\" or none"));
  }
}

void refuse_other_norms(ConfigKeys& keys) {
  if (keys.flag("add_qk_norm").value_or(false)) {
    keys.refuse("add_qk_norm", "is true: norms on queries and keys are not run yet");
  }
  if (keys.flag("add_post_norm").value_or(false)) {
    keys.refuse("add_post_norm", "is true: norms after each layer are not run yet");
  }
}

void read_sizes(ConfigKeys& keys, LargeConfig& config) {
  config.vocab_size = keys.count("vocab_size");
  config.embedding_dim = keys.count("embedding_dim");
  config.hidden_size = keys.count("hidden_size");
  config.num_blocks = keys.count("num_blocks");
  config.num_hidden_layers = keys.count("num_hidden_layers");
  config.num_heads = keys.count("num_heads");
  config.qk_dim_factor = keys.positive("qk_dim_factor");
  config.v_dim_factor = keys.positive("v_dim_factor");
  config.ffn_proj_factor = keys.positive("ffn_proj_factor");
  config.ffn_round_up_to_multiple_of =
      keys.count("ffn_round_up_to_multiple_of").value_or(config.ffn_round_up_to_multiple_of);
  config.chunk_size = keys.count("chunk_size").value_or(config.chunk_size);
}

void read_parts(ConfigKeys& keys, LargeConfig& config) {
  config.use_bias = keys.flag("use_bias");
  config.add_out_norm = keys.flag("add_out_norm");
  // The training code's word for the norm behind the last block, which the 7B file still carries.
  if (!config.add_out_norm && keys.flag("add_post_blocks_norm").value_or(false)) {
    config.add_out_norm = true;
  }
  config.tie_word_embeddings = keys.flag("tie_word_embeddings");
}

void read_constants(ConfigKeys& keys, LargeConfig& config) {
  config.norm_reduction_force_float32 = keys.flag("norm_reduction_force_float32").value_or(true);
  config.norm_eps = keys.positive_or("norm_eps", config.norm_eps);
  config.eps = keys.positive_or("eps", config.eps);
  config.gate_soft_cap = keys.cap("gate_soft_cap", *config.gate_soft_cap);
  config.output_logit_soft_cap = keys.cap("output_logit_soft_cap", *config.output_logit_soft_cap);
}

}  // namespace

LargeConfig read_config(const ConfigFile& file, Diagnostics& diagnostics) {
  ConfigKeys keys(file, diagnostics);
  LargeConfig config;
  refuse_other_models(keys);
  refuse_other_cells(keys);
  refuse_other_norms(keys);
  read_sizes(keys, config);
  read_parts(keys, config);
  read_constants(keys, config);
  return config;
}

}  // namespace xlstm::xlstm_large
