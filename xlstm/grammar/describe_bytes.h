// Sets of bytes in words, for messages.
#pragma once

#include <bitset>
#include <string>

namespace xlstm::grammar {

// "a digit, ',' or ']'"; `or_end` adds "the end". "nothing" where there is neither.
std::string describe_bytes(const std::bitset<256>& bytes, bool or_end);

}  // namespace xlstm::grammar
