#include "xlstm/series/cells.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "xlstm/base/numbers.h"

namespace xlstm {
namespace {

bool equal_in_any_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

}  // namespace

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool is_missing(std::string_view cell) {
  cell = without_blanks(cell);
  constexpr std::array<std::string_view, 6> kNames = {"", "na", "n/a", "nan", "null", "none"};
  return std::ranges::any_of(kNames, [&](auto name) { return equal_in_any_case(cell, name); });
}

std::optional<float> cell_value(std::string_view cell) {
  if (is_missing(cell)) return std::numeric_limits<float>::quiet_NaN();
  const std::optional<double> value = parse_decimal(without_blanks(cell));
  if (!value || std::abs(*value) > std::numeric_limits<float>::max()) return {};
  return static_cast<float>(*value);
}

}  // namespace xlstm
