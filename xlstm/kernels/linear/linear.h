// A dense layer: every row of x times every row of W.
//
//   y[m, n] = sum_k x[m, k] W[n, k] (+ bias[n])
//
// x and y are float32; W is float32, bfloat16 or float16 as it lies in the checkpoint. Products and
// sums are float32, of W widened in registers or in a packed panel; except that many rows of x are
// rounded to bfloat16 where W is bfloat16 and the processor multiplies pairs of such at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/base/dtype.h"
#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

enum class WeightType : std::uint8_t { kF32, kBF16, kF16 };

// That of weights which a file holds in a float type of 16 or 32 bits.
constexpr WeightType weight_type(DType type) {
  if (type == DType::kF32) return WeightType::kF32;
  return type == DType::kF16 ? WeightType::kF16 : WeightType::kBF16;
}

constexpr std::size_t weight_bytes(WeightType type) {
  return type == WeightType::kF32 ? 4 : 2;
}

// Shapes: x [M, K] with x_stride >= K floats from row to row, W [N, K] contiguous, bias [N] or
// nullptr, y [M, N] with y_stride >= N. Any of M, N, K may be 0; with K = 0, y is bias or 0.
// Pointers need their element's alignment only; y overlaps no input. Floats of y between its rows
// are left alone.
//
// NaN and infinity pass through as the formula says: a NaN in row m of x reaches all of row m of y
// and nothing else.
//
// The sum over k runs in an order that depends on K, on the processor's vectors and on whether M is
// at most linear_dot_rows() (or N small), but never on the number of threads, on the strides or on
// the alignment. On either side of it a row of y does not depend on the other rows of x, nor on how
// many there are.
//
// Error of each y against exact arithmetic: at most eps (K + 2) (sum_k |x W| + |bias|), eps =
// 2^-24. Where x is rounded to bfloat16 (linear_rounds_x(); only for M > linear_dot_rows()), 2^-8
// sum_k |x W| more: 8 significant bits, rounded to nearest, so at most 2^-8 of each x, while the
// products of two such numbers are exact in float32. And there numbers below 2^-126 (of x, W and
// sums) count as 0, those of x that round beyond the greatest bfloat16 (2^128 - 2^119 and above) as
// infinite.
//
// Throws Error(kMemory) if its scratch memory (1.3 MiB or M K floats, and 64 KiB a thread, only for
// M > linear_dot_rows()) cannot be had.
void linear(ThreadPool& pool, const float* x, std::ptrdiff_t x_stride, const void* W,
            WeightType type, const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
            std::size_t N, std::size_t K);

// Whether more than linear_dot_rows() rows are rounded to bfloat16 for such weights on this
// machine.
bool linear_rounds_x(WeightType type);

// The same, scalar, summed in float64 and rounded once: the truth in tests.
void linear_reference(const float* x, std::ptrdiff_t x_stride, const void* W, WeightType type,
                      const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
                      std::size_t N, std::size_t K);

inline constexpr std::size_t kLinearDotRows = 16;

// The most rows that are multiplied as they lie with weights of this type on this machine:
// kLinearDotRows, but 8 for bfloat16 where its products are twice as fast as float32's
// (AVX512-BF16).
std::size_t linear_dot_rows(WeightType type);

}  // namespace xlstm::kernels
