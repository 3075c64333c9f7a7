// A whole matrix as it lies in a file, quantised by all threads.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "xlstm/base/dtype.h"
#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/quantize/ldl_factor.h"
#include "xlstm/kernels/quantize/quantize.h"

namespace xlstm::kernels {

// As quantize_rows(), of W [N, K], the elements of a float type at any address. Needs memory for a
// few rows a thread. Throws Error(kModel) "[where] ..." for a NaN or an infinity, and for weights
// so large that a scale or bias would be one; `first_row` is W's first in the matrix that it is a
// part of, for the message.
void quantize_matrix(ThreadPool& pool, std::span<const std::byte> W, DType type, std::size_t N,
                     std::size_t K, const Quantization& format, Rounding rounding,
                     const float* importance, const QuantizedRows& out, const std::string& where,
                     std::size_t first_row = 0);

// The same with gptq_rows(), for inputs of `factor`.
void gptq_matrix(ThreadPool& pool, std::span<const std::byte> W, DType type, std::size_t N,
                 const LdlFactor& factor, const Quantization& format, Rounding rounding,
                 const QuantizedRows& out, const std::string& where);

// Words and scales from row n on.
QuantizedRows rows_from(const QuantizedRows& rows, std::size_t n, std::size_t K,
                        const Quantization& format);

// Bytes of the scales (and, in affine modes, as many of the biases) of one row of K elements.
std::size_t scale_bytes(const Quantization& format, WeightType scale_type, std::size_t K);

}  // namespace xlstm::kernels
