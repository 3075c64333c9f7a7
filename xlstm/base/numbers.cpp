#include "xlstm/base/numbers.h"

#include <array>
#include <charconv>

namespace xlstm {
namespace {

// The longest is a double in fixed notation: 309 digits before the point, and those after it.
template <typename... Args>
std::string converted(Args... args) {
  std::array<char, 512> text;
  const auto result = std::to_chars(text.data(), text.data() + text.size(), args...);
  return {text.data(), result.ptr};
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

}  // namespace xlstm
