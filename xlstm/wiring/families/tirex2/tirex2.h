// TiRex-2: patches of several series become tokens; blocks mix along time by an mLSTM or sLSTM cell
// and a gated feed-forward layer, then across the series of a sample by attention; a head gives
// quantiles of the next patch. Source: the `tirex-2` package 0.4.0.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "xlstm/base/activation.h"
#include "xlstm/wiring/family.h"

namespace xlstm {

namespace tirex2 {

// Layer "blocks.N.time", kind "tirex2_mlstm"; parameters in tensor_rows.h; state "blocks.N.C"
// [NH, DHQK, DHV], "blocks.N.n" [NH, DHQK], "blocks.N.m" [NH].
struct TimeMlstmSpec {
  std::int64_t NH = 0, DHQK = 0, DHV = 0;
};

// Layer "blocks.N.time", kind "tirex2_slstm"; state "blocks.N.y", c, n, m, each [NH, DH].
struct TimeSlstmSpec {
  std::int64_t NH = 0, DH = 0;
};

// Layer "blocks.N.variate", kind "tirex2_variate": attention across the rows of a sample and a
// feed-forward layer.
struct VariateSpec {
  std::int64_t NA = 0;  // heads
  bool qk_norm = true;  // queries and keys are normed, each head by itself
  Activation act_func = Activation::kSilu;
};

// Layer "series", the first, without parameters: how series become tokens, and quantiles of the
// next patch a forecast.
struct SeriesSpec {
  std::int64_t P = 0;        // values of a patch
  std::int64_t context = 0;  // the most values of a row that are read
  std::int64_t future = 0;   // the most steps that are forecast, a multiple of P
  std::vector<float> quantiles;
  bool use_arcsinh = false;                          // scaled values are passed through asinh
  bool binary_aware = false;                         // rows of 0 and 1 alone are not scaled
  float scale_eps = 1e-8F;                           // the least scale
  bool difference_trends = true, flip_sign = false;  // what a forecast does where nobody says
};

// Constants of the blocks, which no config sets.
inline constexpr float kNormEps = 1e-6F;  // of norms and of the mLSTM cell
inline constexpr float kGateSoftCap = 15.0F;
inline constexpr float kQkNormEps = 0x1p-23F;

}  // namespace tirex2

const Family& tirex2_family();

}  // namespace xlstm
