#include "xlstm/model/xlstm_original/synthetic.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/model/random_source.h"

namespace xlstm::xlstm_original {
namespace {

constexpr double kSmall = 0.02;  // of numbers that 1 is added to, and of biases

class Maker {
 public:
  explicit Maker(const SyntheticSize& size) : size_(size) {}

  std::vector<RandomTensor> take() {
    const std::int64_t D = size_.D, V = size_.V;
    add("token_embedding.weight", {V, D}, 1);
    add("xlstm_block_stack.post_blocks_norm.weight", {D}, kSmall);
    out_.push_back(random_matrix("lm_head.weight", V, D));
    for (std::int64_t block = 0; block < size_.L; ++block) {
      at_ = str("xlstm_block_stack.blocks.", block, ".");
      add(at_ + "xlstm_norm.weight", {D}, kSmall);
      (block + 1) % size_.slstm_every == 0 ? add_slstm() : add_mlstm();
    }
    return std::move(out_);
  }

 private:
  void add(std::string name, Shape shape, double deviation) {
    out_.push_back(random_tensor(std::move(name), std::move(shape), deviation));
  }
  void add_matrix(const std::string& name, std::int64_t N, std::int64_t K) {
    out_.push_back(random_matrix(at_ + name, N, K));
  }
  // A product for each of G heads.
  void add_heads(const std::string& name, std::int64_t G, std::int64_t width) {
    add(at_ + name, {G, width, width}, 1 / std::sqrt(static_cast<double>(width)));
  }
  void add_convolution(std::int64_t channels) {
    add(at_ + "xlstm.conv1d.conv.weight", {channels, 1, 4}, 0.5);
    add(at_ + "xlstm.conv1d.conv.bias", {channels}, kSmall);
  }

  void add_mlstm() {
    constexpr std::int64_t kBlock = 4;
    const std::int64_t E = 2 * size_.D;
    add_matrix("xlstm.proj_up.weight", 2 * E, size_.D);
    add_convolution(E);
    for (const char* name : {"q", "k", "v"}) {
      add_heads(str("xlstm.", name, "_proj.weight"), E / kBlock, kBlock);
    }
    for (const char* name : {"igate", "fgate"}) {
      add_matrix(str("xlstm.mlstm_cell.", name, ".weight"), size_.NH, 3 * E);
      add(at_ + "xlstm.mlstm_cell." + name + ".bias", {size_.NH}, 0);
    }
    add(at_ + "xlstm.mlstm_cell.outnorm.weight", {E}, kSmall);
    add(at_ + "xlstm.learnable_skip", {E}, 0);
    add_matrix("xlstm.proj_down.weight", size_.D, E);
  }

  void add_slstm() {
    constexpr double kProjFactor = 1.3, kMultiple = 64;
    const std::int64_t D = size_.D, DH = D / size_.NH;
    const auto F = static_cast<std::int64_t>(
        kMultiple * std::ceil(kProjFactor * static_cast<double>(D) / kMultiple));
    add_convolution(D);
    for (const char* name : {"igate", "fgate", "zgate", "ogate"}) {
      add_heads(str("xlstm.", name, ".weight"), size_.NH, DH);
    }
    add(at_ + "xlstm.slstm_cell._recurrent_kernel_", {size_.NH, DH, 4 * DH},
        1 / std::sqrt(static_cast<double>(DH)));
    add(at_ + "xlstm.slstm_cell._bias_", {4 * D}, kSmall);
    add(at_ + "xlstm.group_norm.weight", {D}, kSmall);
    add(at_ + "ffn_norm.weight", {D}, kSmall);
    add_matrix("ffn.proj_up.weight", 2 * F, D);
    add_matrix("ffn.proj_down.weight", D, F);
  }

  const SyntheticSize& size_;
  std::string at_;  // the block's prefix
  std::vector<RandomTensor> out_;
};

std::string config_of(const SyntheticSize& size) {
  std::string places;
  for (std::int64_t block = size.slstm_every - 1; block < size.L; block += size.slstm_every) {
    places += str(places.empty() ? "" : ", ", block);
  }
  const std::string heads = str("\"num_heads\": ", size.NH);
  return str("{\"vocab_size\": ", size.V, ", \"embedding_dim\": ", size.D,
             ", \"num_blocks\": ", size.L, ", \"slstm_at\": [", places,
             "], \"mlstm_block\": {\"mlstm\": {", heads, "}}, \"slstm_block\": {\"slstm\": {",
             heads, "}, \"feedforward\": {}}}");
}

}  // namespace

Synthetic make_synthetic(const SyntheticSize& size) {
  return {config_of(size), random_source(Maker(size).take())};
}

}  // namespace xlstm::xlstm_original
