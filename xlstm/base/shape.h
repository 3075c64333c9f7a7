// Tensor shapes as read from files: 64-bit, checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xlstm {

using Shape = std::vector<std::int64_t>;

// Number of elements, 1 for a scalar; nullopt if a length is negative or the product exceeds int64.
std::optional<std::int64_t> element_count(const Shape& shape);

// "[2, 3]"
std::string to_string(const Shape& shape);

}  // namespace xlstm
