// TiRex (Auer et al. 2025, arXiv:2505.23719): a forecaster of one series. Patches become tokens by
// a residual layer, blocks of an sLSTM layer and a gated feed-forward layer follow, a norm, and a
// residual layer that writes the quantiles of the next patch. Source: the `tirex` package 1.4.
#pragma once

#include <cstdint>
#include <vector>

#include "xlstm/wiring/family.h"

namespace xlstm {

namespace tirex {

// Layer "blocks.N.slstm", kind "tirex_slstm": parameters as in tensor_rows.h; state "blocks.N.y",
// "blocks.N.c", "blocks.N.n", "blocks.N.m", each [NH, DH].
struct SlstmSpec {
  std::int64_t NH = 0, DH = 0;  // heads, and the width of one
  float norm_eps = 1e-6F;
  float group_norm_eps = 1e-5F;
};

// Layer "series", the first, without parameters: what the config says of series before and after
// the network.
struct SeriesSpec {
  std::int64_t P = 0;        // values of a patch
  std::int64_t context = 0;  // values that are read, a multiple of P
  std::vector<float> quantiles;
  std::int64_t resampling_context = 0;  // from which the slowest season to look for follows
};

}  // namespace tirex

const Family& tirex_family();

}  // namespace xlstm
