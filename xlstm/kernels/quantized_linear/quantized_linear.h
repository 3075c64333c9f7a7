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
//
// Where quantized_linear_rounds_x(), more than kLinearDotRows rows of x are rounded to whole
// multiples of t = max |x| / 127 over each group of each row, for products of 8-bit whole numbers:
// beside float32's rounding, y errs by at most t / 2 sum_k |W| summed over the groups. There a
// group of x that is all below 2^-100 counts as 0, and one with NaN or infinity makes its row of y
// NaN.
void quantized_linear(const float* x, std::ptrdiff_t x_stride, const QuantizedMatrix& W,
                      const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
                      std::size_t N, std::size_t K);

bool quantized_linear_rounds_x();

// The same, scalar, summed in float64 and rounded once: the truth in tests.
void quantized_linear_reference(const float* x, std::ptrdiff_t x_stride, const QuantizedMatrix& W,
                                const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
                                std::size_t N, std::size_t K);

// Row n of W [N, K] as float32 [K], each element rounded once. For embeddings and tests.
void dequantize_row(const QuantizedMatrix& W, std::size_t n, std::size_t K, float* row);

}  // namespace xlstm::kernels
