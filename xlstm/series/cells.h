// What a cell of a table says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xlstm {

// Without spaces and tabs at its ends.
std::string_view without_blanks(std::string_view text);

// An empty cell, NA, N/A, NaN, null or None, in letters of any case: a value that is missing.
bool is_missing(std::string_view cell);

// A value, NaN where it is missing; nothing where the cell is no finite number that a float32
// holds.
std::optional<float> cell_value(std::string_view cell);

}  // namespace xlstm
