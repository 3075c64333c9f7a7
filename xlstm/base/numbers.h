// Numbers as text, the same in every locale: what a host program set with setlocale or
// std::locale::global must not change our files, messages or JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace xlstm {

// Whole numbers in decimal; floats with at most six significant digits, as printf's %g.
void append_number(std::string& out, std::int64_t value);
void append_number(std::string& out, std::uint64_t value);
void append_number(std::string& out, double value);

template <typename T>
void append_number(std::string& out, T value) {
  static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, char>);
  if constexpr (std::is_floating_point_v<T>) {
    append_number(out, static_cast<double>(value));
  } else if constexpr (std::is_signed_v<T>) {
    append_number(out, static_cast<std::int64_t>(value));
  } else {
    append_number(out, static_cast<std::uint64_t>(value));
  }
}

// Lower case, without leading zeros: hexadecimal(255) is "ff".
std::string hexadecimal(std::uint64_t value);

// Fixed notation with `digits` after the point: decimals(2.5, 2) is "2.50".
std::string decimals(double value, int digits);

// One digit before the point and `digits` after it: scientific(1234, 1) is "1.2e+03".
std::string scientific(double value, int digits);

// Digits that read back as the same float32, few of them: shortest(0.1F) is "0.1".
std::string shortest(float value);
double shortest_double(float value);  // that those digits mean

// A finite number in plain decimal notation, "-12", ".5", "1e-3": nothing else before or behind it,
// no "nan", "inf" or hexadecimal, no sign but "-" or "+" first.
std::optional<double> parse_decimal(std::string_view text);

}  // namespace xlstm
