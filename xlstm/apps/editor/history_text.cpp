#include "xlstm/apps/editor/history_text.h"

#include <algorithm>
#include <cstdint>

#include "xlstm/base/utf8.h"

namespace xlstm::apps {
namespace {

bool is_octal(char digit) {
  return digit >= '0' && digit <= '7';
}

void append_octal(std::string& out, char byte) {
  const auto value = static_cast<std::uint8_t>(byte);
  out += '\\';
  for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + ((value >> shift) & 7));
}

// What stands after a backslash, taken from the front of `rest`.
class Escape {
 public:
  explicit Escape(std::string_view& rest) : rest_(rest) {}

  std::string read() {
    if (rest_.empty()) return "\\";
    if (is_octal(rest_.front())) return {octal()};
    const char kind = take();
    constexpr std::string_view kNames = "nrbavtfsE";
    constexpr std::string_view kMeanings = "\n\r\b\a\v\t\f \x1b";
    if (const auto found = kNames.find(kind); found != kNames.npos) return {kMeanings[found]};
    if (kind == '^') return {control()};
    if (kind == 'M') return {meta()};
    if (kind == '$' || kind == '\n') return "";  // a line end that strvis() hid
    return {kind};
  }

 private:
  char take() {
    if (rest_.empty()) return '\0';
    const char first = rest_.front();
    rest_.remove_prefix(1);
    return first;
  }
  char octal() {
    int value = 0;
    for (int digits = 0; digits < 3 && !rest_.empty() && is_octal(rest_.front()); ++digits) {
      value = value * 8 + (take() - '0');
    }
    return static_cast<char>(value);
  }
  char control() {
    const char letter = take();
    return letter == '?' ? '\x7f' : static_cast<char>(letter & 0x1F);
  }
  char meta() {
    const char byte = take() == '^' ? control() : take();  // \M^x or \M-x
    return static_cast<char>(byte | 0x80);
  }

  std::string_view& rest_;
};

}  // namespace

std::string encode_history_line(std::string_view text) {
  std::string out;
  for (const char byte : text) {
    const auto value = static_cast<std::uint8_t>(byte);
    if (value <= ' ' || value == 0x7F) {
      append_octal(out, byte);
    } else {
      out += byte == '\\' ? "\\\\" : std::string(1, byte);
    }
  }
  return out;
}

std::string decode_history_line(std::string_view line) {
  std::string out;
  while (!line.empty()) {
    const std::size_t plain = std::min(line.find('\\'), line.size());
    out += line.substr(0, plain);
    line.remove_prefix(plain);
    if (line.empty()) break;
    line.remove_prefix(1);
    out += Escape(line).read();
  }
  return utf8_repaired(out);
}

}  // namespace xlstm::apps
