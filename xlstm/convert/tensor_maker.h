// The bytes of one conversion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "xlstm/convert/conversion.h"
#include "xlstm/convert/gptq_factors.h"

namespace xlstm {

// Makes what `conversion` writes, one after the other, and gives each piece to `write`. Holds one
// tensor at a time. Throws Error(kModel) for numbers that cannot be converted.
void make_tensors(const Conversion& conversion, const TensorSource& source,
                  const ConvertOptions& options, GptqFactors& factors,
                  const std::function<void(std::span<const std::byte>)>& write);

// Upper bound of the bytes that it holds.
std::uint64_t working_bytes(const Conversion& conversion, const TensorSource& source,
                            const ConvertOptions& options);

}  // namespace xlstm
