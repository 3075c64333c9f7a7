#include "xlstm/apps/values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"

namespace xlstm::apps {
namespace {

[[noreturn]] void refuse(std::string_view option, std::string_view wanted, std::string_view text) {
  fail_wanted(ErrorKind::kUsage, option, wanted, quoted(text));
}

template <typename Integer>
std::optional<Integer> integer(std::string_view text) {
  Integer value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<double> unit_size(std::string_view unit) {
  if (unit.empty() || unit == "B") return 1.0;
  const std::size_t power = std::string_view("KMGT").find(unit.front() & ~0x20);
  if (power == std::string_view::npos) return {};
  const std::string_view rest = unit.substr(1);
  const bool decimal_unit = rest == "B" || rest == "b";
  if (!decimal_unit && !rest.empty() && rest != "iB" && rest != "ib") return {};
  return std::pow(decimal_unit ? 1000.0 : 1024.0, static_cast<double>(power + 1));
}

}  // namespace

float parse_number(std::string_view option, std::string_view text, const NumberRange& range) {
  const auto value = parse_decimal(text);
  const bool inside = value && (range.min_inclusive ? *value >= range.min : *value > range.min) &&
                      *value <= range.max;
  if (!inside) refuse(option, range.wanted, text);
  const auto rounded = static_cast<float>(*value);
  // A positive number too small for a float must not become a forbidden zero.
  return !range.min_inclusive && rounded <= range.min ? std::numeric_limits<float>::min() : rounded;
}

std::int64_t parse_integer(std::string_view option, std::string_view text, std::int64_t least,
                           std::int64_t most) {
  const auto value = integer<std::int64_t>(text);
  if (!value || *value < least || *value > most) {
    refuse(option, str("a whole number from ", least, " to ", most), text);
  }
  return *value;
}

std::uint64_t parse_seed(std::string_view option, std::string_view text) {
  const auto value = integer<std::uint64_t>(text);
  if (!value) refuse(option, str("a whole number from 0 to ", ~std::uint64_t{0}), text);
  return *value;
}

std::uint64_t parse_bytes(std::string_view option, std::string_view text) {
  constexpr double kMost = 9e18;  // below 2^63: no machine has it
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::size_t unit_at = std::min(text.find_first_not_of(' ', digits), text.size());
  const auto number = parse_decimal(text.substr(0, digits));
  const auto unit = unit_size(text.substr(unit_at));
  if (!number || !unit || *number * *unit > kMost) {
    refuse(option, "a size such as 512M, 1.5G or 4GiB", text);
  }
  return static_cast<std::uint64_t>(*number * *unit);
}

std::pair<std::uint64_t, std::uint64_t> parse_memory_limit(std::string_view option,
                                                           std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) {
    const std::uint64_t hard = parse_bytes(option, text);
    if (hard == 0) refuse(option, "a hard limit above 0", text);
    return {0, hard};
  }
  const std::uint64_t soft = parse_bytes(option, text.substr(0, comma));
  const std::uint64_t hard = parse_bytes(option, text.substr(comma + 1));
  if (hard != 0 && soft > hard) refuse(option, "SOFT,HARD with SOFT not above HARD", text);
  return {soft, hard};
}

std::pair<std::int32_t, float> parse_logit_bias(std::string_view option, std::string_view text) {
  constexpr float kMost = std::numeric_limits<float>::max();
  const std::size_t equals = text.find('=');
  const auto id = integer<std::int32_t>(text.substr(0, std::min(equals, text.size())));
  if (equals == std::string_view::npos || !id || *id < 0) {
    refuse(option, "ID=VALUE with a token id and a number", text);
  }
  const std::string_view value = text.substr(equals + 1);
  if (value == "-inf") return {*id, -std::numeric_limits<float>::infinity()};
  return {*id, parse_number(option, value, {-kMost, kMost, "a finite number or -inf after ID="})};
}

std::string unescape(std::string_view option, std::string_view text) {
  constexpr std::string_view kEscapes = "nrt\\";
  constexpr std::string_view kMeanings = "\n\r\t\\";
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      out += text[at];
      continue;
    }
    ++at;
    const std::size_t which = at < text.size() ? kEscapes.find(text[at]) : std::string_view::npos;
    if (which == std::string_view::npos) {
      refuse(option, "one of \\n \\r \\t \\\\ where a backslash stands", text);
    }
    out += kMeanings[which];
  }
  return out;
}

void require_output_name(std::string_view where, std::string_view name) {
  if (name.empty()) fail_wanted(ErrorKind::kUsage, where, "a file name", "an empty one");
  if (name != "-") return;
  fail_wanted(ErrorKind::kUsage, where, "a file name (./- is one)",
              "\"-\": standard output carries the answer");
}

bool is_printable(std::string_view text) {
  return utf8_first_error(text) == std::string_view::npos && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) < ' ' || c == 0x7F;
         });
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string require_utf8(std::string_view where, std::string_view text) {
  const std::size_t bad = utf8_first_error(text);
  if (bad != std::string_view::npos) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(text[bad]);
    fail_wanted(ErrorKind::kUsage, where, "UTF-8 text",
                str("byte 0x", kHex[byte / 16], kHex[byte % 16], " at offset ", bad));
  }
  return std::string(text);
}

}  // namespace xlstm::apps
