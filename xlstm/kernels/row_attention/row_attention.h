// Attention at each token by itself, across the rows of a group (TiRex-2's variate mixer): targets
// see all rows of their group, covariates see covariates alone.
//
//   q, k <- q / sqrt(mean(q^2) + eps), k likewise, each head by itself    (where there is an eps)
//   y_r = sum_s softmax_s(q_r k_s / sqrt(DA)) v_s                          over the rows s that r
//   sees
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

// Some of the R rows: the targets first, then the covariates.
struct RowGroup {
  std::span<const std::int32_t> rows;
  std::size_t targets;
};

struct RowAttentionArgs {
  const float* qkv;       // [R, S, 3 * NA * DA], columns q, k, v
  float* y;               // [R, S, NA * DA]; rows of no group stay as they are
  std::size_t S, NA, DA;  // tokens of a row, heads, width of a head
  std::optional<float> norm_eps;
};

// No row is in two groups.
void row_attention(ThreadPool& pool, const RowAttentionArgs& args,
                   std::span<const RowGroup> groups);

// The same in float64, rounded once.
void row_attention_reference(const RowAttentionArgs& args, std::span<const RowGroup> groups);

}  // namespace xlstm::kernels
