#include "xlstm/base/error.h"

#include "xlstm/base/utf8.h"

namespace xlstm {

Error::Error(ErrorKind kind, std::string_view where, std::string_view what)
    : std::runtime_error(str("[", where, "] ", what)), kind_(kind) {}

namespace {

// U+0080 to U+009F: terminals take these, too, for the start of commands.
bool is_late_control(std::string_view text) {
  return text.size() > 1 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0;
}

}  // namespace

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 80;
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  std::size_t i = 0;
  while (i < text.size() && i < kShown) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_sequence_length(text.substr(i));
    if (length == 0 || byte < 0x20 || byte == 0x7f || is_late_control(text.substr(i))) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      ++i;
    } else {
      if (byte == '"' || byte == '\\') out += '\\';
      out += text.substr(i, length);
      i += length;
    }
  }
  return out + (i < text.size() ? "\"..." : "\"");
}

void fail(ErrorKind kind, std::string_view where, std::string_view what) {
  throw Error(kind, where, what);
}

void fail_wanted(ErrorKind kind, std::string_view where, std::string_view wanted,
                 std::string_view got) {
  throw Error(kind, where, str("wanted ", wanted, ", got ", got));
}

}  // namespace xlstm
