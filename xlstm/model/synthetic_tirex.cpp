#include <string>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/model/synthetic_families.h"
#include "xlstm/model/synthetic_source.h"

namespace xlstm {
namespace {

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

}  // namespace

Synthetic synthetic_tirex() {
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

}  // namespace xlstm
