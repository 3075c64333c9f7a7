#include "xlstm/model/xlstm_large/synthetic.h"

#include <string>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/model/random_source.h"

namespace xlstm::xlstm_large {
namespace {

// As the Hugging Face configuration rounds.
std::int64_t ffn_width(std::int64_t D) {
  const auto wanted = static_cast<std::int64_t>(static_cast<double>(D) * 2.667);
  return (wanted + 63) / 64 * 64;
}

void add_block(std::vector<RandomTensor>& out, const SyntheticSize& size, std::int64_t block) {
  const std::string at = str("backbone.blocks.", block, ".");
  const std::int64_t D = size.D, NH = size.NH, F = ffn_width(D);
  for (const char* name : {"q", "k"})
    out.push_back(random_matrix(at + "mlstm_layer." + name + ".weight", D / 2, D));
  for (const char* name : {"v", "ogate_preact", "out_proj"}) {
    out.push_back(random_matrix(at + "mlstm_layer." + name + ".weight", D, D));
  }
  for (const char* name : {"igate_preact", "fgate_preact"}) {
    out.push_back(random_matrix(at + "mlstm_layer." + name + ".weight", NH, D));
    out.push_back(random_tensor(at + "mlstm_layer." + name + ".bias", {NH}, 0));
  }
  out.push_back(random_tensor(at + "mlstm_layer.multihead_norm.weight", {D}, 0));
  out.push_back(random_tensor(at + "norm_mlstm.weight", {D}, 0));
  out.push_back(random_tensor(at + "norm_ffn.weight", {D}, 0));
  for (const char* name : {"proj_up", "proj_up_gate"}) {
    out.push_back(random_matrix(at + "ffn." + name + ".weight", F, D));
  }
  out.push_back(random_matrix(at + "ffn.proj_down.weight", D, F));
}

std::string config_of(const SyntheticSize& s) {
  return str("{\"model_type\": \"xlstm\", \"vocab_size\": ", s.V, ", \"hidden_size\": ", s.D,
             ", \"num_hidden_layers\": ", s.L, ", \"num_heads\": ", s.NH,
             ", \"qk_dim_factor\": 0.5, \"v_dim_factor\": 1.0, \"ffn_proj_factor\": 2.667",
             ", \"use_bias\": false, \"tie_word_embeddings\": false, \"add_out_norm\": true",
             ", \"bos_token_id\": 0, \"eos_token_id\": 0}");
}

}  // namespace

Synthetic make_synthetic(const SyntheticSize& size) {
  std::vector<RandomTensor> wanted = {
      random_tensor("backbone.embeddings.weight", {size.V, size.D}, 1),
      random_tensor("backbone.out_norm.weight", {size.D}, 0),
      random_matrix("lm_head.weight", size.V, size.D)};
  for (std::int64_t block = 0; block < size.L; ++block) add_block(wanted, size, block);
  return {config_of(size), random_source(std::move(wanted))};
}

}  // namespace xlstm::xlstm_large
