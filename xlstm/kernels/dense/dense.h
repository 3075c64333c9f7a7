// Layers as composite kernels see them: a dense layer whatever its weights are, a norm.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::kernels {

struct DenseWeights {
  std::size_t N = 0, K = 0;
  const void* W = nullptr;  // [N, K] of `type`, unless quantised
  WeightType type = WeightType::kF32;
  std::optional<QuantizedMatrix> quantized;  // [N, K]
  const float* bias = nullptr;               // [N] or nullptr
};

struct NormWeights {
  const float* weight = nullptr;  // [width]
  const float* bias = nullptr;    // [width] or nullptr
};

// y[m, n] = sum_k x[m, k] W[n, k] + bias[n]; x [M, K], y [M, N], both contiguous float32.
void dense(ThreadPool& pool, const DenseWeights& w, const float* x, float* y, std::size_t M);

// The numbers M of rows, rising, up to which one kernel serves these weights; another serves more.
// As long as the same one does, a row of y depends on its own row of x alone.
std::vector<std::size_t> dense_row_limits(const DenseWeights& w);

}  // namespace xlstm::kernels
