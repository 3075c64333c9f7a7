#include "xlstm/model/tirex/synthetic.h"

#include <cmath>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/model/random_source.h"

namespace xlstm::tirex {
namespace {

constexpr std::int64_t D = 512, L = 12, NH = 4, DH = D / NH, F = 1408;
constexpr std::int64_t P = 32, H = 2048, O = 9 * P;  // patch, inner width about it, forecasts

void add_dense(std::vector<RandomTensor>& out, const std::string& name, std::int64_t N,
               std::int64_t K) {
  out.push_back(random_matrix(name + ".weight", N, K));
  out.push_back(random_tensor(name + ".bias", {N}, 0.1));
}

void add_residual_mlp(std::vector<RandomTensor>& out, const std::string& name, std::int64_t inputs,
                      std::int64_t outputs) {
  add_dense(out, name + ".hidden_layer", H, inputs);
  add_dense(out, name + ".output_layer", outputs, H);
  add_dense(out, name + ".residual_layer", outputs, inputs);
}

void add_block(std::vector<RandomTensor>& out, std::int64_t block) {
  const std::string at = str("blocks.", block, ".");
  const double of_head = 1 / std::sqrt(static_cast<double>(DH));
  for (const char* gate : {"fgate", "igate", "zgate", "ogate"}) {
    out.push_back(random_tensor(at + "slstm_layer." + gate + ".weight", {NH, DH, DH}, of_head));
  }
  const std::string cell = at + "slstm_layer.slstm_cell.";
  out.push_back(random_tensor(cell + "_recurrent_kernel_", {NH, DH, 4 * DH}, of_head));
  out.push_back(random_tensor(cell + "_bias_", {4 * D}, 1));
  out.push_back(random_tensor(at + "slstm_layer.group_norm.weight", {D}, 0.1));
  out.push_back(random_tensor(at + "norm_slstm.weight", {D}, 0));
  out.push_back(random_tensor(at + "norm_ffn.weight", {D}, 0));
  out.push_back(random_matrix(at + "ffn.proj_up_gate.weight", F, D));
  out.push_back(random_matrix(at + "ffn.proj_up.weight", F, D));
  out.push_back(random_matrix(at + "ffn.proj_down.weight", D, F));
}

}  // namespace

Synthetic make_synthetic_35m() {
  std::vector<RandomTensor> tensors = {random_tensor("out_norm.weight", {D}, 0)};
  add_residual_mlp(tensors, "input_patch_embedding", 2 * P, D);
  add_residual_mlp(tensors, "output_patch_embedding", D, O);
  for (std::int64_t block = 0; block < L; ++block) add_block(tensors, block);
  const std::string config =
      str("{\"model_config\": {\"input_patch_size\": ", P, ", \"output_patch_size\": ", P,
          ", \"quantiles\": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], \"input_ff_dim\": ", H,
          ", \"block_kwargs\": {\"embedding_dim\": ", D, ", \"num_blocks\": ", L,
          ", \"num_heads\": ", NH, "}}, \"train_ctx_len\": 2048}");
  return {config, random_source(std::move(tensors))};
}

}  // namespace xlstm::tirex
