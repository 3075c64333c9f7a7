// A dense layer with quantised weights: linear() (xlstm/kernels/linear/linear.h) for a W that is
// never unpacked to memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/base/quantization.h"
#include "xlstm/kernels/linear/linear.h"

namespace xlstm::kernels {

// W [N, K] as base/quantization.h lays it out, rows contiguous.
struct QuantizedMatrix {
  Quantization format;
  const std::uint32_t* words;  // [N, K * bits / 32]
  const void* scales;          // [N, K / group_size] of scale_type; kMxfp4: uint8
  const void* biases;          // [N, K / group_size] of scale_type; kMxfp4: nullptr
  WeightType scale_type;       // kAffine only
};

// y[m, n] = sum_k x[m, k] W[n, k] (+ bias[n]). Shapes, strides, overlap and threads as linear();
// K is a multiple of the group size.
void quantized_linear(const float* x, std::ptrdiff_t x_stride, const QuantizedMatrix& W,
                      const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
                      std::size_t N, std::size_t K);

// The same, scalar, summed in float64 and rounded once: the truth in tests.
void quantized_linear_reference(const float* x, std::ptrdiff_t x_stride, const QuantizedMatrix& W,
                                const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
                                std::size_t N, std::size_t K);

// Row n of W [N, K] as float32 [K], each element rounded once. For embeddings and tests.
void dequantize_row(const QuantizedMatrix& W, std::size_t n, std::size_t K, float* row);

}  // namespace xlstm::kernels
