// The one exception type that crosses our interfaces.
//
// A message reads "[where] what", and where a value is wrong "[where] wanted ..., got ...".
// `where` is a file, a tensor, an option or a function: what a person has to look at.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "xlstm/base/numbers.h"

namespace xlstm {

// Why something failed; the command line turns it into an exit code (docs/cli.md).
enum class ErrorKind {
  kUsage,      // an argument or option the caller can correct
  kFile,       // a file that cannot be opened, read or written
  kFormat,     // a file whose bytes are not what they claim to be
  kModel,      // a sound file that describes a model we do not run
  kMemory,     // more memory wanted than there is or than was allowed
  kNetwork,    // a server that cannot be reached or does not answer as it should
  kCancelled,  // the caller's own callback asked to stop
  kInternal,   // our fault
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, std::string_view where, std::string_view what);
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// Joins texts, characters and numbers: str("block ", 3, " of ", n). Numbers are written as
// append_number does, whatever the locale.
template <typename... Args>
std::string str(const Args&... args) {
  std::string out;
  const auto append = [&out](const auto& value) {
    using T = std::decay_t<decltype(value)>;
    if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      out += std::string_view(value);
    } else if constexpr (std::is_same_v<T, char>) {
      out += value;
    } else {
      append_number(out, value);
    }
  };
  (append(args), ...);
  return out;
}

// `text` as it may be shown in a message: quoted, control characters and broken UTF-8 escaped,
// shortened to about 80 bytes.
std::string quoted(std::string_view text);
// Exact matches, so that std::quoted, which argument-dependent look-up finds too, never wins.
inline std::string quoted(const std::string& text) {
  return quoted(std::string_view(text));
}
inline std::string quoted(std::string& text) {
  return quoted(std::string_view(text));
}
inline std::string quoted(const char* text) {
  return quoted(std::string_view(text));
}

[[noreturn]] void fail(ErrorKind kind, std::string_view where, std::string_view what);
[[noreturn]] void fail_wanted(ErrorKind kind, std::string_view where, std::string_view wanted,
                              std::string_view got);

}  // namespace xlstm
