// UTF-8 as bytes: what is well formed (Unicode 15, table 3-7) and where a character ends.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace xlstm {

// Length in bytes (1 to 4) of the well-formed sequence that `text` starts with, 0 if it starts with
// none (empty, stray continuation, overlong, surrogate, above U+10FFFF, or cut off).
std::size_t utf8_sequence_length(std::string_view text);

// Offset of the first byte that is not part of a well-formed sequence, or npos.
std::size_t utf8_first_error(std::string_view text);

// Length of the longest prefix of `text` that does not end inside a sequence which more bytes could
// still complete. Malformed bytes count as complete.
std::size_t utf8_complete_prefix(std::string_view text);

// `text` with each maximal malformed part replaced by U+FFFD, as the Unicode standard recommends.
std::string utf8_repaired(std::string_view text);

}  // namespace xlstm
