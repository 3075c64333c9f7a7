// The bytes of one conversion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "xlstm/convert/compensation.h"
#include "xlstm/convert/conversion.h"

namespace xlstm {

// Makes what `conversion` writes, one after the other, and gives each piece to `write`. Holds one
// tensor at a time. Throws Error(kModel) for numbers that cannot be converted.
void make_tensors(ThreadPool& pool, const Conversion& conversion, const TensorSource& source,
                  const ConvertOptions& options, Compensation& compensation,
                  const std::function<void(std::span<const std::byte>)>& write);

// What that holds at most, in bytes.
std::uint64_t bytes_to_make(const Conversion& conversion, const TensorSource& source,
                            const ConvertOptions& options, std::size_t threads);

}  // namespace xlstm
