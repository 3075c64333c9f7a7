#include "xlstm/model/synthetic.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/model/synthetic_source.h"

namespace xlstm {
namespace {

// As the Hugging Face configuration rounds.
std::int64_t ffn_width(std::int64_t D) {
  const auto wanted = static_cast<std::int64_t>(static_cast<double>(D) * 2.667);
  return (wanted + 63) / 64 * 64;
}

SyntheticTensor matrix(std::string name, std::int64_t N, std::int64_t K) {
  return synthetic_matrix(std::move(name), {N, K});
}

void add_block(std::vector<SyntheticTensor>& out, const SyntheticSize& size, std::int64_t block) {
  const std::string at = str("backbone.blocks.", block, ".");
  const std::int64_t D = size.D, NH = size.NH, F = ffn_width(D);
  for (const char* name : {"q", "k"})
    out.push_back(matrix(at + "mlstm_layer." + name + ".weight", D / 2, D));
  for (const char* name : {"v", "ogate_preact", "out_proj"}) {
    out.push_back(matrix(at + "mlstm_layer." + name + ".weight", D, D));
  }
  for (const char* name : {"igate_preact", "fgate_preact"}) {
    out.push_back(matrix(at + "mlstm_layer." + name + ".weight", NH, D));
    out.push_back(synthetic_tensor(at + "mlstm_layer." + name + ".bias", {NH}, 0));
  }
  out.push_back(synthetic_tensor(at + "mlstm_layer.multihead_norm.weight", {D}, 0));
  out.push_back(synthetic_tensor(at + "norm_mlstm.weight", {D}, 0));
  out.push_back(synthetic_tensor(at + "norm_ffn.weight", {D}, 0));
  for (const char* name : {"proj_up", "proj_up_gate"}) {
    out.push_back(matrix(at + "ffn." + name + ".weight", F, D));
  }
  out.push_back(matrix(at + "ffn.proj_down.weight", D, F));
}

std::string config_of(const SyntheticSize& s) {
  return str("{\"model_type\": \"xlstm\", \"vocab_size\": ", s.V, ", \"hidden_size\": ", s.D,
             ", \"num_hidden_layers\": ", s.L, ", \"num_heads\": ", s.NH,
             ", \"qk_dim_factor\": 0.5, \"v_dim_factor\": 1.0, \"ffn_proj_factor\": 2.667",
             ", \"use_bias\": false, \"tie_word_embeddings\": false, \"add_out_norm\": true",
             ", \"bos_token_id\": 0, \"eos_token_id\": 0}");
}

void add_tirex_embedding(std::vector<SyntheticTensor>& out, const std::string& at, std::int64_t I,
                         std::int64_t H, std::int64_t O) {
  const auto layer = [&](const char* name, std::int64_t N, std::int64_t K) {
    out.push_back(synthetic_matrix(at + name + ".weight", {N, K}, DType::kF32));
    out.push_back(synthetic_tensor(at + name + ".bias", {N}, 0.1, DType::kF32));
  };
  layer("hidden_layer", H, I);
  layer("output_layer", O, H);
  layer("residual_layer", O, I);
}

// The sizes of the published model: 35,291,200 parameters.
Synthetic make_synthetic_tirex() {
  constexpr std::int64_t D = 512, NH = 4, DH = 128, F = 1408, H = 2048, P = 32, Q = 9, L = 12;
  constexpr DType kType = DType::kF32;
  std::vector<SyntheticTensor> out = {synthetic_tensor("out_norm.weight", {D}, 0, kType)};
  add_tirex_embedding(out, "input_patch_embedding.", 2 * P, H, D);
  add_tirex_embedding(out, "output_patch_embedding.", D, H, P * Q);
  for (std::int64_t block = 0; block < L; ++block) {
    const std::string at = str("blocks.", block, ".");
    const auto vector = [&](const char* name, std::int64_t N, double deviation) {
      out.push_back(synthetic_tensor(at + name, {N}, deviation, kType));
    };
    vector("norm_slstm.weight", D, 0);
    vector("norm_ffn.weight", D, 0);
    vector("slstm_layer.group_norm.weight", D, 0.1);
    vector("slstm_layer.slstm_cell._bias_", 4 * D, 1);
    for (const char* gate : {"fgate", "igate", "zgate", "ogate"}) {
      out.push_back(
          synthetic_matrix(str(at, "slstm_layer.", gate, ".weight"), {NH, DH, DH}, kType));
    }
    out.push_back(synthetic_matrix(at + "slstm_layer.slstm_cell._recurrent_kernel_",
                                   {NH, DH, 4 * DH}, kType));
    out.push_back(synthetic_matrix(at + "ffn.proj_up_gate.weight", {F, D}, kType));
    out.push_back(synthetic_matrix(at + "ffn.proj_up.weight", {F, D}, kType));
    out.push_back(synthetic_matrix(at + "ffn.proj_down.weight", {D, F}, kType));
  }
  const std::string config =
      str("{\"model_config\": {\"input_patch_size\": ", P, ", \"output_patch_size\": ", P,
          ", \"quantiles\": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], \"input_ff_dim\": ", H,
          ", \"block_kwargs\": {\"all_slstm\": true, \"embedding_dim\": ", D,
          ", \"num_blocks\": ", L, ", \"num_heads\": ", NH, "}}, \"train_ctx_len\": 2048}");
  return {config, synthetic_source(std::move(out))};
}

}  // namespace

const std::vector<SyntheticSize>& synthetic_sizes() {
  static const std::vector<SyntheticSize> kSizes = {{"tiny", 64, 2, 2, 320},
                                                    {"400m", 1024, 24, 4, 50'304},
                                                    {"1b", 2048, 16, 4, 50'304},
                                                    {"3b", 2560, 32, 5, 50'304},
                                                    {"7b", 4096, 32, 8, 50'304}};
  return kSizes;
}

Synthetic make_synthetic(std::string_view name) {
  if (name == kSyntheticForecaster) return make_synthetic_tirex();
  const auto& sizes = synthetic_sizes();
  const auto size = std::find_if(sizes.begin(), sizes.end(),
                                 [&](const SyntheticSize& s) { return s.name == name; });
  if (size == sizes.end()) {
    fail_wanted(ErrorKind::kUsage, "synthetic",
                str("tiny, 400m, 1b, 3b, 7b or ", kSyntheticForecaster), quoted(name));
  }
  std::vector<SyntheticTensor> wanted = {
      synthetic_tensor("backbone.embeddings.weight", {size->V, size->D}, 1),
      synthetic_tensor("backbone.out_norm.weight", {size->D}, 0),
      matrix("lm_head.weight", size->V, size->D)};
  for (std::int64_t block = 0; block < size->L; ++block) add_block(wanted, *size, block);
  return {config_of(*size), synthetic_source(std::move(wanted))};
}

}  // namespace xlstm
