// Rows of weights into a quantised layout (xlstm/base/quantization.h): the way back from
// dequantize_row().
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/base/quantization.h"
#include "xlstm/kernels/linear/linear.h"

namespace xlstm::kernels {

// kMinMax: what MLX's quantize computes, bit for bit: the group's ends are codes.
// kSearch: for each group the scale and bias, as the scales' type holds them, of least squared
//   error among shrunk ranges, each fitted to its own codes by least squares; for mxfp4 the best of
//   neighbouring powers of two.
enum class Rounding : std::uint8_t { kMinMax, kSearch };

// Where rows of a matrix [N, K] go.
struct QuantizedRows {
  std::uint32_t* words;   // [N, K * bits / 32]
  void* scales;           // [N, K / group_size] of scale_type; kMxfp4: uint8
  void* biases;           // [N, K / group_size] of scale_type; kMxfp4: nullptr
  WeightType scale_type;  // kAffine only
};

// Quantises W [N, K] of finite floats; K is a multiple of the group size, `format` is supported.
// `importance` [K] or nullptr: what an error of W[n, k] counts for kSearch, >= 0. Runs on the
// calling thread; rows are independent of each other.
void quantize_rows(const float* W, std::size_t N, std::size_t K, const Quantization& format,
                   Rounding rounding, const float* importance, const QuantizedRows& out);

}  // namespace xlstm::kernels
