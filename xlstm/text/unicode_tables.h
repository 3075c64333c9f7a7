// Character classes as the reference implementation has them, whatever Unicode version the
// installed libraries know. See tests/text/make_unicode_tables.py.
#pragma once

#include <cstdint>
#include <vector>

namespace xlstm::text {

enum CharClass : std::uint8_t {
  kLetter = 1,        // \p{L} of the reference's patterns
  kNumber = 2,        // \p{N} of the reference's patterns
  kSpace = 4,         // White_Space
  kNumeric = 8,       // what the Digits pre-tokenizer takes for a digit
  kPunctuation = 16,  // what the Punctuation pre-tokenizer cuts off
  kWord = 32,         // \w beside added tokens
  kMark = 64,         // what StripAccents removes
  kInert = 128,  // newer than the reference's normalisation: never decomposed, moved or composed
};

struct ClassRun {
  std::uint32_t first;  // the classes hold from here to the next run
  std::uint8_t classes;
};
const std::vector<ClassRun>& class_runs();

struct LowercaseChange {
  std::uint32_t from, to;
};
// Pairs that utf8proc 2.8 does not know yet, by `from`.
const std::vector<LowercaseChange>& lowercase_changes();

}  // namespace xlstm::text
