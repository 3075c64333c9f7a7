// \d, \w and \s: ASCII, as in most dialects without a flag for Unicode.
#pragma once

#include <optional>

#include "xlstm/grammar/expression.h"

namespace xlstm::grammar {

// The set that "\" and `letter` stand for, if they stand for one.
inline std::optional<CharacterSet> class_of_escape(char letter) {
  switch (letter) {
    case 'd':
      return character_set({{'0', '9'}});
    case 'w':
      return character_set({{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}});
    case 's':
      return character_set({{'\t', '\r'}, {' ', ' '}});
    case 'D':
    case 'W':
    case 'S':
      return all_but(*class_of_escape(static_cast<char>(letter - 'A' + 'a')));
    default:
      return std::nullopt;
  }
}

}  // namespace xlstm::grammar
