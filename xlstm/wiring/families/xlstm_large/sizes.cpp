#include "xlstm/wiring/families/xlstm_large/sizes.h"

#include <cmath>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/wiring/dims.h"
#include "xlstm/wiring/families/xlstm_large/tensor_rows.h"

namespace xlstm::xlstm_large {
namespace {

// Two roundings are about: the reference's, which is no ceiling when the product lies less than 1
// above a multiple, and the true one, which others write.
void compare_ffn(const LargeConfig& config, const DimLengths& dims, Diagnostics& diagnostics) {
  if (!config.ffn_proj_factor || dims[kF] == 0 || dims[kD] == 0) return;
  const auto multiple = static_cast<double>(config.ffn_round_up_to_multiple_of);
  const double product = static_cast<double>(dims[kD]) * *config.ffn_proj_factor;
  const double reference = std::floor((product + multiple - 1) / multiple) * multiple;
  const double ceiling = std::ceil(product / multiple) * multiple;
  const auto found = static_cast<double>(dims[kF]);
  if (found == reference || found == ceiling) return;
  diagnostics.add([&] {
    return str("ffn_proj_factor is ", *config.ffn_proj_factor, ", which makes F = ", reference,
               " (a multiple of ", multiple, "), the tensors say F = ", dims[kF]);
  });
}

void check_division(std::string_view what, std::int64_t width, std::int64_t NH,
                    Diagnostics& diagnostics) {
  if (NH == 0 || width % NH == 0) return;
  diagnostics.add([&] { return str("NH = ", NH, " heads do not divide ", what, " = ", width); });
}

}  // namespace

void compare_sizes(const LargeConfig& config, const DimLengths& dims, const SortedTensors& tensors,
                   Diagnostics& diagnostics) {
  const auto found = [&](Dim dim) { return static_cast<std::uint64_t>(dims[dim]); };
  compare_claims({{"vocab_size", config.vocab_size}}, "V", found(kV), diagnostics);
  compare_claims({{"embedding_dim", config.embedding_dim}, {"hidden_size", config.hidden_size}},
                 "D", found(kD), diagnostics);
  const std::uint64_t blocks = tensors.blocks.empty() ? 0 : tensors.blocks.rbegin()->first + 1;
  compare_claims(
      {{"num_blocks", config.num_blocks}, {"num_hidden_layers", config.num_hidden_layers}}, "L",
      blocks, diagnostics);
  compare_claims({{"num_heads", config.num_heads}}, "NH", found(kNH), diagnostics);
  compare_factor("qk_dim_factor", config.qk_dim_factor, "DQK", dims[kDQK], dims[kD], diagnostics);
  compare_factor("v_dim_factor", config.v_dim_factor, "DV", dims[kDV], dims[kD], diagnostics);
  compare_ffn(config, dims, diagnostics);
  check_division("DQK", dims[kDQK], dims[kNH], diagnostics);
  check_division("DV", dims[kDV], dims[kNH], diagnostics);
}

}  // namespace xlstm::xlstm_large
