// Random UTF-8 for property tests; the same for the same seed everywhere.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace xlstm {

class RandomText {
 public:
  explicit RandomText(std::uint32_t seed) : engine_(seed) {}

  // A number from 0 to `end` - 1.
  std::uint32_t below(std::uint32_t end);

  // Any code point but surrogates: ASCII, Latin, marks, Hangul, CJK, emoji and all others mixed.
  char32_t code_point();

  std::string text(std::size_t characters);

 private:
  std::mt19937 engine_;
};

}  // namespace xlstm
