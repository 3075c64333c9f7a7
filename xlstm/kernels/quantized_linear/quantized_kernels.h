// The inner kernels of quantized_linear(), one set for each kind of processor.
//
// A row of x is packed once to whole numbers of 16 bits, one scale for each group, in the order in
// which the kernels unpack weights, so that products are integer dot products and exact.
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::kernels {

// Rows of x: x[k] = scales[k / group_size] * c[k], c from -kMostCode to kMostCode.
inline constexpr int kMostCode = 32639;  // two signed bytes: 256 * 127 + 127

struct PackedRows {
  std::int8_t* codes;  // [M, code_stride]: 2 bytes for each of K codes, whole units; aligned to 64
  float* scales;       // [M, group_stride], 0 beyond the K / group_size that are used
  float* sums;         // [M, group_stride]: of each group's x, from the codes
  std::size_t code_stride, group_stride;  // multiples of 64 and of 16

  PackedRows from_row(std::size_t m) const {
    return {codes + m * code_stride, scales + m * group_stride, sums + m * group_stride,
            code_stride, group_stride};
  }
};

// Rows [n0, n1) of W for M rows of x. Behind the last of them kQuantizedSlack bytes can be read, of
// words as of scales and biases.
struct QuantizedRange {
  QuantizedMatrix W;
  const float* bias;  // [N] or nullptr
  float* y;           // [M, N]
  std::ptrdiff_t y_stride;
  PackedRows x;
  std::size_t M, K, n0, n1;
  std::size_t chunk = 0, chunks = 1;  // of the sets that the rows go in
};

inline constexpr std::size_t kQuantizedSlack = 128;

struct QuantizedKernels {
  const char* name;
  // Weights that are unpacked together, at most kMostUnit: codes are padded with zeros to a
  // multiple.
  std::size_t (*unit)(const Quantization&);
  // One row. `scratch` has room for the codes of whole units.
  void (*pack)(const float* x, std::size_t K, const Quantization&, const PackedRows& to,
               std::int16_t* scratch);
  void (*multiply)(const QuantizedRange&);
  // Those to take in place of these where the processor has special instructions, or nullptr.
  const QuantizedKernels* (*special)();
};

inline constexpr std::size_t kMostUnit = 256;

// The best for this machine, nullptr without vectors; those for special instructions are nullptr
// where there are none (kernels/simd/simd.h).
const QuantizedKernels* quantized_kernels();
const QuantizedKernels* avx512_vnni_kernels();
const QuantizedKernels* avx_vnni_kernels();
const QuantizedKernels* avx512vl_vnni_kernels();
const QuantizedKernels* neon_dot_kernels();

}  // namespace xlstm::kernels
