// Sizes and constants of an xLSTM-large model, gathered from its plan's layers.
#pragma once

#include <cstdint>
#include <optional>

#include "xlstm/wiring/plan.h"

namespace xlstm {

struct LargeDims {
  std::int64_t V = 0;     // vocabulary rows
  std::int64_t D = 0;     // model width
  std::int64_t L = 0;     // blocks
  std::int64_t NH = 0;    // heads
  std::int64_t DHQK = 0;  // query/key width of one head
  std::int64_t DHV = 0;   // value width of one head
  std::int64_t F = 0;     // FFN inner width
  bool use_bias = false;  // biases on projections and on norms inside blocks
  bool has_out_norm = true;
  bool tied_head = false;  // lm_head weight = embedding weight
  float norm_eps = 1e-6F;
  float cell_eps = 1e-6F;  // added outside the max of the cell's denominator
  std::optional<float> gate_soft_cap = 15.0F;
  std::optional<float> output_logit_soft_cap = 30.0F;
};

// Throws Error(kInternal) where a layer is none of xLSTM-large's.
LargeDims large_dims(const Plan& plan);

}  // namespace xlstm
