#include "xlstm/model/tirex2/synthetic.h"

#include <cmath>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/model/random_source.h"

namespace xlstm::tirex2 {
namespace {

constexpr std::int64_t D = 512, L = 12, NH = 4, DH = D / NH, F = 1408;
constexpr std::int64_t P = 32, H = 2048, O = 9 * P;  // patch, inner width about it, forecasts

class Tensors {
 public:
  std::unique_ptr<TensorSource> take() {
    norm("stack_out_norm");
    residual_mlp("input_patch_embedding", 2 * P, D);
    residual_mlp("output_patch_embedding", D, O);
    for (std::int64_t block = 0; block < L; ++block) add_block(block);
    return random_source(std::move(out_));
  }

 private:
  void norm(const std::string& name) { out_.push_back(random_tensor(name + ".weight", {D}, 0)); }
  void matrix(const std::string& name, std::int64_t N, std::int64_t K) {
    out_.push_back(random_matrix(name + ".weight", N, K));
  }
  void dense(const std::string& name, std::int64_t N, std::int64_t K) {
    matrix(name, N, K);
    out_.push_back(random_tensor(name + ".bias", {N}, 0.1));
  }
  void residual_mlp(const std::string& name, std::int64_t inputs, std::int64_t outputs) {
    dense(name + ".hidden_layer", H, inputs);
    dense(name + ".output_layer", outputs, H);
    dense(name + ".residual_layer", outputs, inputs);
  }

  void add_block(std::int64_t block) {
    const std::string time = str("stack.", block, ".time_mixer.");
    const std::string variate = str("stack.", block, ".variate_mixer.");
    block % 2 == 0 ? add_mlstm(time + "fwd_cell.") : add_slstm(time + "fwd_cell.");
    norm(time + "norm_lstm");
    matrix(time + "combination", D, 2 * D);
    norm(time + "norm_ffn");
    for (const char* name : {"ffn.proj_up_gate", "ffn.proj_up"}) matrix(time + name, F, D);
    matrix(time + "ffn.proj_down", D, F);
    norm(variate + "norm_attn");
    for (const char* name : {"WQ", "WK", "WV", "WO"}) matrix(variate + "attn." + name, D, D);
    norm(variate + "norm_ffn");
    matrix(variate + "ffn.wi", 4 * D, D);
    matrix(variate + "ffn.wo", D, 4 * D);
  }

  void add_mlstm(const std::string& cell) {
    for (const char* name : {"q", "k"}) matrix(cell + name, D / 2, D);
    for (const char* name : {"v", "ogate_preact", "out_proj"}) matrix(cell + name, D, D);
    for (const char* name : {"igate_preact", "fgate_preact"}) dense(cell + name, NH, D);
    norm(cell + "multihead_norm");
  }

  void add_slstm(const std::string& cell) {
    const double of_head = 1 / std::sqrt(static_cast<double>(DH));
    for (const char* gate : {"fgate", "igate", "zgate", "ogate"}) {
      out_.push_back(random_tensor(cell + gate + ".weight", {NH, DH, DH}, of_head));
    }
    out_.push_back(random_tensor(cell + "_recurrent_kernel_", {NH, DH, 4, DH}, of_head));
    out_.push_back(random_tensor(cell + "_bias_", {NH, 4, DH}, 1));
    norm(cell + "group_norm");
  }

  std::vector<RandomTensor> out_;
};

Json template_of(const char* cell) {
  return {{"time_mixer", {{"model_type", cell}, {"embedding_dim", D}, {"num_heads", NH}}},
          {"variate_mixer", {{"embedding_dim", D}, {"num_heads", NH}}}};
}

std::string config() {
  Json recipe = Json::array();
  for (std::int64_t block = 0; block < L; ++block) recipe.push_back(block % 2 == 0 ? "m" : "s");
  const Json out = {
      {"stack_config",
       {{"templates", {{"m", template_of("bi-mlstm")}, {"s", template_of("bi-slstm")}}},
        {"recipe", recipe}}},
      {"num_blocks", L},
      {"embedding_dim", D},
      {"input_patch_size", P},
      {"output_patch_size", P},
      {"quantiles", {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}},
      {"tokenizer_cfg",
       {{"input_patch_size", P}, {"output_patch_size", P}, {"input_patch_stride", P}}},
      {"scaler_cfg", {{"use_arcsinh", true}, {"binaryaware", true}}},
      {"h_expand", 4},
      {"context_len", 2048},
      {"future_len", 320},
      {"input_ff_dim", H},
      {"act_func", "SiLU"},
      {"stack_out_norm_config", {{"eps", 1e-7}}}};
  return out.dump();
}

}  // namespace

Synthetic make_synthetic_82m() {
  return {config(), Tensors().take()};
}

}  // namespace xlstm::tirex2
