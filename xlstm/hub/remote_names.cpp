#include "xlstm/hub/remote_names.h"

#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

constexpr std::size_t kLongestPart = 240;  // a suffix follows some of them; file systems take 255
constexpr std::size_t kLongestPath = 1024;

// UTF-8 without control characters, U+0080 to U+009F too: a terminal shows it.
bool is_printable(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_late =
        byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || is_late) return false;
  }
  return utf8_first_error(text) == std::string_view::npos;
}

bool is_safe_part(std::string_view part) {
  return !part.empty() && part != "." && part != ".." && part.size() <= kLongestPart;
}

template <typename Check>
bool all_parts(std::string_view path, const Check& check) {
  for (;;) {
    const std::size_t slash = path.find('/');
    if (!check(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

bool is_safe_path(std::string_view path) {
  return path.size() <= kLongestPath && path.find('\\') == std::string_view::npos &&
         is_printable(path) && all_parts(path, is_safe_part);
}

bool is_revision(std::string_view text) {
  constexpr std::string_view kForbidden = " ~^:?*[\\";
  return is_safe_path(text) && text.find_first_of(kForbidden) == std::string_view::npos &&
         text.find("..") == std::string_view::npos && text.find("@{") == std::string_view::npos &&
         !text.starts_with('-') && all_parts(text, [](std::string_view part) {
           return !part.starts_with('.') && !part.ends_with('.') && !part.ends_with(".lock");
         });
}

bool is_commit(std::string_view text) {
  return text.size() == 40 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string etag_of(std::string_view header) {
  if (header.starts_with("W/")) header.remove_prefix(2);
  while (header.starts_with('"')) header.remove_prefix(1);
  while (header.ends_with('"')) header.remove_suffix(1);
  return std::string(header);
}

}  // namespace xlstm
