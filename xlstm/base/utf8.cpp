#include "xlstm/base/utf8.h"

#include <cstdint>

namespace xlstm {
namespace {

// What the first byte announces: length, and the range its second byte must lie in.
struct Lead {
  std::size_t length;
  std::uint8_t low, high;
};

Lead lead_of(std::uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// How many bytes of a sequence are there and right, and how many it needs (0: not a lead byte).
struct Scan {
  std::size_t good, needed;
};

Scan scan(std::string_view text) {
  if (text.empty()) return {0, 0};
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const Lead lead = lead_of(at(0));
  if (lead.length == 0) return {1, 0};
  std::size_t good = 1;
  while (good < lead.length && good < text.size()) {
    const std::uint8_t low = good == 1 ? lead.low : 0x80;
    const std::uint8_t high = good == 1 ? lead.high : 0xBF;
    if (at(good) < low || at(good) > high) break;
    ++good;
  }
  return {good, lead.length};
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) {
  const Scan found = scan(text);
  return found.needed != 0 && found.good == found.needed ? found.needed : 0;
}

std::size_t utf8_first_error(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = utf8_sequence_length(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

std::size_t utf8_complete_prefix(std::string_view text) {
  // Only the last three bytes can belong to a sequence that is still open.
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const std::size_t start = text.size() - back;
    const Scan found = scan(text.substr(start));
    if (found.needed > 1)
      return found.good == back && found.good < found.needed ? start : text.size();
  }
  return text.size();
}

std::string utf8_repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  while (i < text.size()) {
    const Scan found = scan(text.substr(i));
    if (found.needed != 0 && found.good == found.needed) {
      out += text.substr(i, found.needed);
    } else {
      out += "\xEF\xBF\xBD";
    }
    i += found.good;
  }
  return out;
}

}  // namespace xlstm
