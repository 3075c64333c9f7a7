// The blocks of the first paper (Beck et al. 2024, arXiv:2405.04517) as the NX-AI package has them
// (xLSTMLMModel, xLSTMBlockStack): mLSTM blocks that widen the stream, sLSTM blocks, most with a
// gated FFN behind them, in any order.
#pragma once

#include <cstdint>

#include "xlstm/base/activation.h"
#include "xlstm/wiring/family.h"

namespace xlstm {

// Norms are layer norms, with weights that 1 is added to.
inline constexpr float kOriginalNormEps = 1e-5F;

// Layer "blocks.N.mlstm", kind "original_mlstm": parameters as in tensor_rows.h; state
// "blocks.N.C" [NH, DH, DH], "blocks.N.n" [NH, DH], "blocks.N.m" [NH] and "blocks.N.window"
// [K - 1, E], the convolution's last inputs, with E = NH * DH.
struct OriginalMlstmSpec {
  std::int64_t NH = 0;     // heads
  std::int64_t DH = 0;     // width of one head
  float cell_eps = 1e-6F;  // added outside the max of the cell's denominator
};

// Layer "blocks.N.slstm", kind "original_slstm": state "blocks.N.y", "blocks.N.c", "blocks.N.n",
// "blocks.N.m", each [NH, DH], and with a convolution "blocks.N.window" [K - 1, D], D = NH * DH.
struct OriginalSlstmSpec {
  std::int64_t NH = 0;           // heads
  std::int64_t DH = 0;           // width of one head
  std::int64_t K = 0;            // taps of the convolution; 0: none
  bool has_norm_weights = true;  // of the norm of each head
  // How the package's backend stored R and the bias: "vanilla" R [NH, 4 * DH, DH] and bias
  // [4, NH, DH], "cuda" R [NH, DH, 4 * DH] and bias [NH, 4, DH].
  bool is_vanilla = false;
};

// Layer "blocks.N.ffn", kind "original_ffn": x + W_down (act(gate) * up) of the normed x.
struct OriginalFfnSpec {
  std::int64_t F = 0;  // inner width
  Activation activation = Activation::kGelu;
};

// Layer "post_norm", kind "original_norm": the norm behind the last block.
struct OriginalNormSpec {};

const Family& xlstm_original_family();

}  // namespace xlstm
