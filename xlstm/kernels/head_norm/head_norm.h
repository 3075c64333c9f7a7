// Layer norm of each head: the mean is subtracted, the variance is biased.
//
//   y = (h - mean(h)) / sqrt(var(h) + eps) * weight (+ bias), mean and var over the DHV values of a
//   head
#pragma once

#include <cstddef>

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

struct HeadNormArgs {
  const float* h;              // [rows, NH, DHV]
  const float* weight;         // [NH * DHV]
  const float* bias;           // [NH * DHV] or nullptr
  const float* gate;           // [rows, NH * DHV] or nullptr
  std::ptrdiff_t gate_stride;  // floats from row to row of gate
  float* y;                    // [rows, NH * DHV]; may be h
  float eps;
  std::size_t NH, DHV;
};

// y, times sigmoid(gate) where there is a gate.
void head_norm(ThreadPool& pool, const HeadNormArgs& args, std::size_t rows);

// h, y: [rows, NH, DHV] float32, may be the same; weight: [NH * DHV]; bias: the same or nullptr.
// The reference computes in float64, variance in two passes, and rounds once.
void head_norm_reference(const float* h, const float* weight, const float* bias, float eps,
                         float* y, std::size_t rows, std::size_t NH, std::size_t DHV);

}  // namespace xlstm::kernels
