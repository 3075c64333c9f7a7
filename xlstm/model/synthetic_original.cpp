#include <string>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/model/synthetic_families.h"
#include "xlstm/model/synthetic_source.h"

namespace xlstm {
namespace {

constexpr std::int64_t kD = 1024, kE = 2 * kD, kNH = 4, kDH = kD / kNH, kF = 1344, kTaps = 4;
constexpr std::int64_t kBlocks = 44, kV = 50'304;

// The tensors of one block.
class Block {
 public:
  Block(std::vector<SyntheticTensor>& out, std::int64_t number)
      : out_(out), at_(str("xlstm_block_stack.blocks.", number, ".")) {}

  void add_mlstm() {
    zeros("xlstm_norm.weight", kD);
    matrix("xlstm.proj_up.weight", {2 * kE, kD});
    convolution(kE);
    for (const char* name : {"q", "k", "v"}) {
      matrix(str("xlstm.", name, "_proj.weight"), {kE / 4, 4, 4});
    }
    for (const char* name : {"igate", "fgate"}) {
      matrix(str("xlstm.mlstm_cell.", name, ".weight"), {kNH, 3 * kE});
      zeros(str("xlstm.mlstm_cell.", name, ".bias"), kNH);
    }
    zeros("xlstm.mlstm_cell.outnorm.weight", kE);
    zeros("xlstm.learnable_skip", kE);
    matrix("xlstm.proj_down.weight", {kD, kE});
  }

  void add_slstm() {
    zeros("xlstm_norm.weight", kD);
    convolution(kD);
    for (const char* name : {"fgate", "igate", "zgate", "ogate"}) {
      matrix(str("xlstm.", name, ".weight"), {kNH, kDH, kDH});
    }
    matrix("xlstm.slstm_cell._recurrent_kernel_", {kNH, kDH, 4 * kDH});
    zeros("xlstm.slstm_cell._bias_", 4 * kD);
    zeros("xlstm.group_norm.weight", kD);
    zeros("ffn_norm.weight", kD);
    matrix("ffn.proj_up.weight", {2 * kF, kD});
    matrix("ffn.proj_down.weight", {kD, kF});
  }

 private:
  void matrix(const std::string& name, Shape shape) {
    out_.push_back(synthetic_matrix(at_ + name, std::move(shape)));
  }
  // Numbers near 0, as norms and biases are here before they are learned.
  void zeros(const std::string& name, std::int64_t count) {
    out_.push_back(synthetic_tensor(at_ + name, {count}, 1e-3));
  }
  void convolution(std::int64_t channels) {
    matrix("xlstm.conv1d.conv.weight", {channels, 1, kTaps});
    zeros("xlstm.conv1d.conv.bias", channels);
  }

  std::vector<SyntheticTensor>& out_;
  std::string at_;
};

std::string config_of(const std::string& slstm_at) {
  return str("{\"mlstm_block\": {\"mlstm\": {\"conv1d_kernel_size\": ", kTaps,
             ", \"qkv_proj_blocksize\": 4, \"num_heads\": ", kNH,
             ", \"proj_factor\": 2.0}}, \"slstm_block\": {\"slstm\": {\"backend\": \"cuda\""
             ", \"conv1d_kernel_size\": ",
             kTaps, ", \"num_heads\": ", kNH,
             "}, \"feedforward\": {\"proj_factor\": 1.3, \"act_fn\": \"gelu\"}}"
             ", \"context_length\": 2048, \"num_blocks\": ",
             kBlocks, ", \"embedding_dim\": ", kD, ", \"vocab_size\": ", kV,
             ", \"tie_weights\": false, \"slstm_at\": [", slstm_at, "]}");
}

}  // namespace

Synthetic synthetic_original() {
  std::vector<SyntheticTensor> out = {
      synthetic_tensor("token_embedding.weight", {kV, kD}, 1),
      synthetic_tensor("xlstm_block_stack.post_blocks_norm.weight", {kD}, 1e-3),
      synthetic_matrix("lm_head.weight", {kV, kD})};
  std::string slstm_at;
  for (std::int64_t number = 0; number < kBlocks; ++number) {
    Block block(out, number);
    if (number % 2 == 0) {
      block.add_mlstm();
      continue;
    }
    block.add_slstm();
    slstm_at += str(slstm_at.empty() ? "" : ", ", number);
  }
  return {config_of(slstm_at), synthetic_source(std::move(out))};
}

}  // namespace xlstm
