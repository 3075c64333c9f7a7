#include "xlstm/apps/editor/key_decoder.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/utf8.h"

namespace xlstm::apps {
namespace {

constexpr char kEscape = '\x1b';
constexpr std::string_view kPasteEnd = "\x1b[201~";
constexpr std::size_t kLongestSequence = 64;

bool is_control(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value < ' ' || value == 0x7F;
}

std::string with_plain_line_ends(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
    } else if (i + 1 == text.size() || text[i + 1] != '\n') {
      out += '\n';
    }
  }
  return out;
}

// ESC [ parameters final, ESC O final: the keys of xterm and its relatives.
KeyCode code_of(std::string_view parameters, char final) {
  const bool by_words = parameters.ends_with(";5") || parameters.ends_with(";3");
  switch (final) {
    case 'A':
      return KeyCode::kUp;
    case 'B':
      return KeyCode::kDown;
    case 'C':
      return by_words ? KeyCode::kWordRight : KeyCode::kRight;
    case 'D':
      return by_words ? KeyCode::kWordLeft : KeyCode::kLeft;
    case 'H':
      return KeyCode::kHome;
    case 'F':
      return KeyCode::kEnd;
    case '~':
      break;
    default:
      return KeyCode::kOther;
  }
  const std::string_view number = parameters.substr(0, parameters.find(';'));
  if (number == "1" || number == "7") return KeyCode::kHome;
  if (number == "4" || number == "8") return KeyCode::kEnd;
  if (number == "3") return KeyCode::kDelete;
  return number == "200" ? KeyCode::kPaste : KeyCode::kOther;
}

}  // namespace

void KeyDecoder::feed(std::string_view bytes) {
  bytes_.erase(0, std::exchange(at_, 0));
  bytes_ += bytes;
}

Key KeyDecoder::take(std::size_t count, Key key) {
  at_ += count;
  escape_closed_ = false;
  return key;
}

bool KeyDecoder::has_open_escape() const {
  return !pasting_ && !escape_closed_ && rest() == std::string_view(&kEscape, 1);
}

void KeyDecoder::close_escape() {
  escape_closed_ = has_open_escape();
}

std::optional<Key> KeyDecoder::next() {
  if (pasting_) return next_pasted();
  const std::string_view text = rest();
  if (text.empty()) return std::nullopt;
  if (text.front() == kEscape) return next_sequence();
  if (is_control(text.front())) return take(1, {KeyCode::kControl, std::string(1, text.front())});
  return next_text();
}

std::optional<Key> KeyDecoder::next_pasted() {
  const std::size_t end = rest().find(kPasteEnd, searched_);
  if (end == std::string_view::npos) {
    searched_ = rest().size() - std::min(rest().size(), kPasteEnd.size() - 1);
    return std::nullopt;
  }
  pasting_ = false;
  searched_ = 0;
  Key key{KeyCode::kPaste, utf8_repaired(with_plain_line_ends(rest().substr(0, end)))};
  return take(end + kPasteEnd.size(), std::move(key));
}

std::optional<Key> KeyDecoder::next_sequence() {
  const std::string_view text = rest();
  if (text.size() == 1 && !escape_closed_) return std::nullopt;
  if (text.size() == 1 || (text[1] != '[' && text[1] != 'O')) return take(1, {KeyCode::kEscape});
  std::size_t end = 2;
  if (text[1] == '[' && text.size() > 2 && text[2] == '[') ++end;  // function keys of Linux
  const std::size_t start = end;
  while (end < text.size() && text[end] >= ' ' && text[end] < '@' && end < kLongestSequence) ++end;
  if (end == text.size()) return std::nullopt;
  if (is_control(text[end]) || end == kLongestSequence) return take(end, {KeyCode::kOther});
  if (start == 3) return take(end + 1, {KeyCode::kOther});
  if (text[1] == 'O' && text[end] == 'M') return take(end + 1, {KeyCode::kControl, "\r"});
  const KeyCode code = code_of(text.substr(start, end - start), text[end]);
  if (code != KeyCode::kPaste) return take(end + 1, {code});
  take(end + 1, {});
  pasting_ = true;
  return next_pasted();
}

std::optional<Key> KeyDecoder::next_text() {
  const std::string_view text = rest();
  const auto end = std::ranges::find_if(text, is_control);
  auto size = static_cast<std::size_t>(end - text.begin());
  // Half a character waits for its other half, if that can still come.
  if (size == text.size()) size = utf8_complete_prefix(text);
  if (size == 0) return std::nullopt;
  return take(size, {KeyCode::kText, utf8_repaired(text.substr(0, size))});
}

}  // namespace xlstm::apps
