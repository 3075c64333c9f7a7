#include "xlstm/model/tirex/synthetic.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/model/random_source.h"

namespace xlstm::tirex {
namespace {

constexpr std::int64_t P = 32, O = 9 * P;  // a patch, its quantiles

class Tensors {
 public:
  explicit Tensors(const SyntheticSize& size) : size_(size) {}

  std::unique_ptr<TensorSource> take() {
    out_.push_back(random_tensor("out_norm.weight", {size_.D}, 0));
    add_residual_mlp("input_patch_embedding", 2 * P, size_.D);
    add_residual_mlp("output_patch_embedding", size_.D, O);
    for (std::int64_t block = 0; block < size_.L; ++block) add_block(block);
    return random_source(std::move(out_));
  }

 private:
  void add_dense(const std::string& name, std::int64_t N, std::int64_t K) {
    out_.push_back(random_matrix(name + ".weight", N, K));
    out_.push_back(random_tensor(name + ".bias", {N}, 0.1));
  }

  void add_residual_mlp(const std::string& name, std::int64_t inputs, std::int64_t outputs) {
    add_dense(name + ".hidden_layer", size_.H, inputs);
    add_dense(name + ".output_layer", outputs, size_.H);
    add_dense(name + ".residual_layer", outputs, inputs);
  }

  void add_block(std::int64_t block) {
    const auto [D, L, NH, F, H] = size_;
    const std::int64_t DH = D / NH;
    const std::string at = str("blocks.", block, ".");
    const double of_head = 1 / std::sqrt(static_cast<double>(DH));
    for (const char* gate : {"fgate", "igate", "zgate", "ogate"}) {
      out_.push_back(random_tensor(at + "slstm_layer." + gate + ".weight", {NH, DH, DH}, of_head));
    }
    const std::string cell = at + "slstm_layer.slstm_cell.";
    out_.push_back(random_tensor(cell + "_recurrent_kernel_", {NH, DH, 4 * DH}, of_head));
    out_.push_back(random_tensor(cell + "_bias_", {4 * D}, 1));
    out_.push_back(random_tensor(at + "slstm_layer.group_norm.weight", {D}, 0.1));
    out_.push_back(random_tensor(at + "norm_slstm.weight", {D}, 0));
    out_.push_back(random_tensor(at + "norm_ffn.weight", {D}, 0));
    out_.push_back(random_matrix(at + "ffn.proj_up_gate.weight", F, D));
    out_.push_back(random_matrix(at + "ffn.proj_up.weight", F, D));
    out_.push_back(random_matrix(at + "ffn.proj_down.weight", D, F));
  }

  const SyntheticSize& size_;
  std::vector<RandomTensor> out_;
};

}  // namespace

Synthetic make_synthetic(const SyntheticSize& size) {
  const std::string config = str(
      "{\"model_config\": {\"input_patch_size\": ", P, ", \"output_patch_size\": ", P,
      ", \"quantiles\": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], \"input_ff_dim\": ", size.H,
      ", \"block_kwargs\": {\"embedding_dim\": ", size.D, ", \"num_blocks\": ", size.L,
      ", \"num_heads\": ", size.NH, "}}, \"train_ctx_len\": 2048}");
  return {config, Tensors(size).take()};
}

}  // namespace xlstm::tirex
