// Values of options, from text. Each throws Error(kUsage) "[option] wanted ..., got ...".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xlstm::apps {

struct NumberRange {
  float min;
  float max;
  std::string_view wanted;    // in words: "a number from 0 to 1"
  bool min_inclusive = true;  // whether `min` is in the range
};

// A finite decimal number; "nan", "inf" and hexadecimal are refused.
float parse_number(std::string_view option, std::string_view text, const NumberRange& range);

std::int64_t parse_integer(std::string_view option, std::string_view text, std::int64_t least,
                           std::int64_t most);

std::uint64_t parse_seed(std::string_view option, std::string_view text);

// "1073741824", "1.5G", "512 MiB", "4GB": K M G T and KiB ... are powers of 1024, KB ... of 1000.
std::uint64_t parse_bytes(std::string_view option, std::string_view text);

// "SIZE" (hard) or "SIZE,SIZE" (soft, hard; 0 for none): {soft, hard}.
std::pair<std::uint64_t, std::uint64_t> parse_memory_limit(std::string_view option,
                                                           std::string_view text);

// "ID=VALUE"; the id is checked against the vocabulary later.
std::pair<std::int32_t, float> parse_logit_bias(std::string_view option, std::string_view text);

// The escapes \n \r \t \\ become what they stand for; any other backslash is refused.
std::string unescape(std::string_view option, std::string_view text);

// Refuses a name of a file or folder to write that is empty, or "-", which elsewhere stands for a
// stream.
void require_output_name(std::string_view where, std::string_view name);

// Whether `text` is UTF-8 without control characters, as a name that is typed and shown must be.
bool is_printable(std::string_view text);

// "a, b, c"
std::string joined(const std::vector<std::string>& words);

// `text`, if it is UTF-8.
std::string require_utf8(std::string_view where, std::string_view text);

}  // namespace xlstm::apps
