// A dense layer with quantised weights: linear() (xlstm/kernels/linear/linear.h) for a W that is
// never unpacked to memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/base/quantization.h"
#include "xlstm/base/thread_pool.h"
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
// K is a multiple of the group size. Words, scales and biases need their element's alignment only.
//
// Up to quantized_linear_dot_rows() rows, x is rounded, group by group, to whole numbers of 16 bits
// and a scale, so that products are integer and W is read once. A row of y does not depend on the
// other rows of x, nor anything on the number of threads. A row of x with a NaN or an infinity
// gives a row of NaN (a NaN in W goes no further than its column). Groups of x below 2^-100 count
// as zeros.
//
// Error of each y against exact arithmetic, for so few rows, at most
//   sum_k |W[n, k]| r_k + u (K / 14 + 12) sum_k (|scale| q + |bias|) (|x[m, k]| + r_k),
// r_k = 0.51 / 32639 of the largest magnitude in the group of x that k is in (2^-16), u = 2^-24,
// q the code of W[n, k]; for kMxfp4, |scale| q + |bias| stands for scale (|q| + 12).
// Derivation: x / step is rounded to a whole number (1/2) after a product and a quotient were
// rounded at a size of at most 32639 (4 u 32639 < 0.01); the scale and bias terms of a group use
// the same rounded x, so that this error meets W itself. Integer sums are exact. A unit of at
// least 16 codes is rounded when it becomes a float, when its two scales are multiplied and when it
// is added, and the bias terms, which stand for at least 4 groups of 32, once more; to these K / 16
// + K / 128 additions come at most 4 for the lanes, 1 for `bias`, and 7 roundings of factors.
//
// Where quantized_linear_rounds_x(), more rows of x are rounded to whole multiples of t =
// max |x| / 127 over each group of each row, for products of 8-bit whole numbers: beside float32's
// rounding, y errs by at most t / 2 sum_k |W| summed over the groups. There a
// group of x that is all below 2^-100 counts as 0, and one with NaN or infinity makes its row of y
// NaN. There too a row of y does not depend on the other rows of x, nor on how many there are.
void quantized_linear(ThreadPool& pool, const float* x, std::ptrdiff_t x_stride,
                      const QuantizedMatrix& W, const float* bias, float* y,
                      std::ptrdiff_t y_stride, std::size_t M, std::size_t N, std::size_t K);

bool quantized_linear_rounds_x();

// The most rows that are multiplied in 16 bits on this machine: 2 where tiles of 8 bits are made
// for few rows (x86-64 from AVX2 on), else kLinearDotRows.
std::size_t quantized_linear_dot_rows();

// The same, scalar, summed in float64 and rounded once: the truth in tests.
void quantized_linear_reference(const float* x, std::ptrdiff_t x_stride, const QuantizedMatrix& W,
                                const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
                                std::size_t N, std::size_t K);

// Row n of W [N, K] as float32 [K], each element rounded once. For embeddings and tests.
void dequantize_row(const QuantizedMatrix& W, std::size_t n, std::size_t K, float* row);

}  // namespace xlstm::kernels
