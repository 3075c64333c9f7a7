// Rounding that makes up for its own errors: columns are rounded one after the other, and those yet
// to come take over what the output would lack (GPTQ: Frantar et al. 2022, arXiv:2210.17323).
#pragma once

#include <cstddef>

#include "xlstm/kernels/quantize/ldl_factor.h"
#include "xlstm/kernels/quantize/quantize.h"

namespace xlstm::kernels {

inline constexpr std::size_t kGptqRows = 32;  // that share a reading of the factor

// As quantize_rows(), with errors counted over inputs of `factor`. A group's scale and bias are
// chosen when its turn comes, for what its columns shall be then.
void gptq_rows(const float* W, std::size_t N, const LdlFactor& factor, const Quantization& format,
               Rounding rounding, const QuantizedRows& out);

}  // namespace xlstm::kernels
