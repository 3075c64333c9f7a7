#include "xlstm/grammar/describe_bytes.h"

#include <cstddef>
#include <string_view>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm::grammar {
namespace {

constexpr std::size_t kFirstPrintable = 0x21, kEndPrintable = 0x7F, kFirstBeyondAscii = 0x80;

using Bytes = std::bitset<256>;

Bytes range(std::size_t first, std::size_t last) {
  Bytes bytes;
  for (std::size_t byte = first; byte <= last; ++byte) bytes.set(byte);
  return bytes;
}

std::string one(std::size_t byte) {
  return str('\'', static_cast<char>(byte), '\'');
}

// Takes `part` out of `bytes` if all of it is there.
void take(Bytes& bytes, const Bytes& part, std::string_view name, std::vector<std::string>& words) {
  if ((bytes & part) != part) return;
  bytes &= ~part;
  words.emplace_back(name);
}

// Single characters, and from four on ranges.
void take_printable(const Bytes& bytes, std::vector<std::string>& words) {
  constexpr std::size_t kRange = 4;
  for (std::size_t at = kFirstPrintable; at < kEndPrintable; ++at) {
    if (!bytes[at]) continue;
    std::size_t end = at;
    while (end < kEndPrintable && bytes[end]) ++end;
    if (end - at >= kRange) {
      words.push_back(str(one(at), " to ", one(end - 1)));
      at = end;
    } else {
      words.push_back(one(at));
    }
  }
}

std::string joined(const std::vector<std::string>& words) {
  if (words.empty()) return "nothing";
  std::string text = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) {
    text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace

std::string describe_bytes(const Bytes& bytes, bool or_end) {
  constexpr std::size_t kFewMissing = 4;
  Bytes rest = bytes;
  std::vector<std::string> words;
  const Bytes visible = range(kFirstPrintable, kEndPrintable - 1);
  const Bytes missing = visible & ~rest;
  if (missing.count() <= kFewMissing) {
    std::vector<std::string> but;
    take_printable(missing, but);
    words.push_back(but.empty() ? "a visible character"
                                : str("a visible character other than ", joined(but)));
    rest &= ~visible;
  }
  take(rest, range('0', '9'), "a digit", words);
  take(rest, range('a', 'z') | range('A', 'Z'), "a letter", words);
  take(rest, range('a', 'z'), "a small letter", words);
  take(rest, range('A', 'Z'), "a capital letter", words);
  take_printable(rest, words);
  take(rest, range(' ', ' '), "a space", words);
  take(rest, range('\n', '\n'), "a line end", words);
  take(rest, range('\r', '\r'), "a carriage return", words);
  take(rest, range('\t', '\t'), "a tab", words);
  if ((rest & range(0, 0x1F)).any() || rest[0x7F]) words.emplace_back("a control character");
  const Bytes beyond = rest & range(kFirstBeyondAscii, 0xFF);
  const bool only_continues = (beyond & range(0xC0, 0xFF)).none();
  if (beyond.any()) {
    words.emplace_back(only_continues ? "the rest of a character" : "a character beyond ASCII");
  }
  if (or_end) words.emplace_back("the end");
  return joined(words);
}

}  // namespace xlstm::grammar
