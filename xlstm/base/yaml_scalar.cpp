#include "xlstm/base/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::count(words, text) > 0;
}

// Digits from the start of `rest`, which they are cut off.
std::string take_digits(std::string_view& rest) {
  const std::size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const std::string digits(rest.substr(0, end));
  rest.remove_prefix(end);
  return digits;
}

bool take(std::string_view& rest, std::string_view letters) {
  if (rest.empty() || letters.find(rest.front()) == letters.npos) return false;
  rest.remove_prefix(1);
  return true;
}

// [-+]? ( digits [. digits?] | . digits ) ( [eE] [-+]? digits )? as JSON writes it, with digits on
// both sides of the point and none in front that are 0; "" for what is no number.
std::string json_number(std::string_view rest) {
  const bool negative = rest.starts_with('-');
  take(rest, "+-");
  std::string whole = take_digits(rest), fraction;
  const bool has_point = take(rest, ".");
  if (has_point) fraction = take_digits(rest);
  if (whole.empty() && fraction.empty()) return "";
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  std::string out = str(negative ? "-" : "", whole.empty() ? "0" : whole);
  if (has_point) out += str(".", fraction.empty() ? "0" : fraction);
  if (rest.empty()) return out;
  if (!take(rest, "eE")) return "";
  const bool small = rest.starts_with('-');
  take(rest, "+-");
  const std::string exponent = take_digits(rest);
  return exponent.empty() || !rest.empty() ? "" : str(out, small ? "e-" : "e", exponent);
}

// Of all digits, in that base.
std::optional<Json> whole_number(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return Json(value);
}

}  // namespace

std::optional<Json> yaml_scalar(const std::string& text) {
  constexpr std::array<std::string_view, 5> kNull = {"", "~", "null", "Null", "NULL"};
  constexpr std::array<std::string_view, 3> kTrue = {"true", "True", "TRUE"};
  constexpr std::array<std::string_view, 3> kFalse = {"false", "False", "FALSE"};
  constexpr std::array<std::string_view, 12> kNoNumber = {".inf",  ".Inf",  ".INF",  "+.inf",
                                                          "+.Inf", "+.INF", "-.inf", "-.Inf",
                                                          "-.INF", ".nan",  ".NaN",  ".NAN"};
  if (is_one_of(text, kNull)) return Json(nullptr);
  if (is_one_of(text, kTrue)) return Json(true);
  if (is_one_of(text, kFalse)) return Json(false);
  if (is_one_of(text, kNoNumber)) return std::nullopt;
  for (const auto& [prefix, base] : {std::pair("0x", 16), std::pair("0o", 8)}) {
    if (!text.starts_with(prefix)) continue;
    if (auto number = whole_number(std::string_view(text).substr(2), base)) return number;
  }
  const std::string number = json_number(text);
  if (number.empty()) return Json(text);
  Json value = Json::parse(number, nullptr, false);  // in every locale
  if (!value.is_number()) return std::nullopt;
  return value;
}

}  // namespace xlstm
