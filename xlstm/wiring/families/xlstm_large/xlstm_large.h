// xLSTM-large, the architecture of xLSTM-7B: an embedding, blocks of an mLSTM layer and a gated
// feed-forward layer, a norm, a head.
#pragma once

#include <cstdint>
#include <optional>

#include "xlstm/wiring/family.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {

// Layer "blocks.N.mlstm", kind "mlstm": parameters as in tensor_rows.h; state "blocks.N.C"
// [NH, DHQK, DHV], "blocks.N.n" [NH, DHQK], "blocks.N.m" [NH].
struct MlstmSpec {
  std::int64_t NH = 0;    // heads
  std::int64_t DHQK = 0;  // query/key width of one head
  std::int64_t DHV = 0;   // value width of one head
  float norm_eps = 1e-6F;
  float cell_eps = 1e-6F;  // added outside the max of the cell's denominator
  std::optional<float> gate_soft_cap;
};

const Family& xlstm_large_family();

}  // namespace xlstm
