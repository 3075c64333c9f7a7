#include "xlstm/base/numbers.h"

#include <array>
#include <charconv>
#include <cmath>
#include <locale>
#include <sstream>
#include <type_traits>

namespace xlstm {
namespace {

// The longest is a double in fixed notation: 309 digits before the point, and those after it.
template <typename... Args>
std::string converted(Args... args) {
  std::array<char, 512> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), args...);
  return {text.data(), result.ptr};
}

// Whether from_chars() reads floats on every system that this is compiled for: libc++ declares it
// for some that do not have it.
#ifdef __cpp_lib_to_chars
constexpr bool kFromCharsReadsFloats = true;
#else
constexpr bool kFromCharsReadsFloats = false;
#endif

// All of `text` as a number.
template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  Number value = 0;
  if constexpr (std::is_integral_v<Number> || kFromCharsReadsFloats) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size()) return {};
  } else {
    std::istringstream stream{std::string(text)};
    stream.imbue(std::locale::classic());
    if (!(stream >> value) || stream.peek() != std::istringstream::traits_type::eof()) return {};
  }
  return value;
}

}  // namespace

void append_number(std::string& out, std::int64_t value) {
  out += converted(value);
}
void append_number(std::string& out, std::uint64_t value) {
  out += converted(value);
}
void append_number(std::string& out, double value) {
  out += converted(value, std::chars_format::general, 6);
}

std::string hexadecimal(std::uint64_t value) {
  return converted(value, 16);
}

std::string decimals(double value, int digits) {
  return converted(value, std::chars_format::fixed, digits);
}

std::string scientific(double value, int digits) {
  return converted(value, std::chars_format::scientific, digits);
}

std::string shortest(float value) {
  constexpr int kAlwaysEnough = 9;  // decimal digits of a float32
  int digits = 6;                   // from here on, whole numbers are not written as 3e+01
  const auto text = [&] {
    return converted(static_cast<double>(value), std::chars_format::general, digits);
  };
  while (digits < kAlwaysEnough && whole_number<float>(text()) != value) ++digits;
  return text();
}

double shortest_double(float value) {
  return whole_number<double>(shortest(value)).value_or(static_cast<double>(value));
}

std::optional<double> parse_decimal(std::string_view text) {
  if (text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return {};
  if (text.starts_with('+')) {  // which from_chars() does not take
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+')) return {};
  }
  if (text.empty()) return {};
  const std::optional<double> value = whole_number<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

}  // namespace xlstm
