// Bytes from a terminal into keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xlstm::apps {

enum class KeyCode {
  kText,     // printable characters, in UTF-8, as many as came together
  kPaste,    // a pasted text, whole
  kControl,  // one character below 32, or 127
  kEscape,   // alone, or before a key that was typed with Alt
  kUp,
  kDown,
  kLeft,
  kRight,
  kWordLeft,
  kWordRight,
  kHome,
  kEnd,
  kDelete,
  kOther  // a key that we do not know
};

struct Key {
  KeyCode code = KeyCode::kOther;
  std::string text = {};
};

// What is not UTF-8 becomes U+FFFD. A pasted text (bracketed paste, as terminals send it after
// kPasteOn) has its line ends as "\n".
class KeyDecoder {
 public:
  void feed(std::string_view bytes);
  // The next key, nullopt when more bytes are needed.
  std::optional<Key> next();

  // An escape has come, and nothing tells yet whether it was the key or begins a sequence.
  bool has_open_escape() const;
  void close_escape();  // it was the key

 private:
  std::optional<Key> next_pasted();
  std::optional<Key> next_sequence();
  std::optional<Key> next_text();
  std::string_view rest() const { return std::string_view(bytes_).substr(at_); }
  Key take(std::size_t count, Key key);

  std::string bytes_;
  std::size_t at_ = 0;  // of bytes_: what is before was taken
  bool pasting_ = false;
  bool escape_closed_ = false;
  std::size_t searched_ = 0;  // bytes after at_ that hold no end of the paste
};

inline constexpr char kPasteOn[] = "\x1b[?2004h";
inline constexpr char kPasteOff[] = "\x1b[?2004l";

}  // namespace xlstm::apps
