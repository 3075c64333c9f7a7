// Runs of floats between files' types and float32.
#pragma once

#include <cstddef>

#include "xlstm/base/dtype.h"

namespace xlstm {

// `count` elements of a float type at `from`, of any alignment, as float32.
void floats_from(const std::byte* from, DType type, std::size_t count, float* to);

// float32 to kF32, kBF16 or kF16, rounded to nearest even; too large for the type: infinity.
void floats_to(const float* from, std::size_t count, DType type, std::byte* to);

// Index of the first that is NaN or infinite, or would become infinite as `type`; `count` if all
// are finite.
std::size_t first_not_finite(const float* values, std::size_t count, DType type = DType::kF32);

}  // namespace xlstm
