#include "xlstm/text/unicode_normal.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/text/characters.h"

namespace xlstm::text {
namespace {

struct Range {
  char32_t first, last;
};

// Starters that are no decomposition's first part to replace and no composition's second part: they
// stay themselves in NFC, whatever follows composes at most with the last of them.
constexpr std::array<Range, 9> kSafeInNfc{{{0x0, 0x2FF},
                                           {0x388, 0x3FF},
                                           {0x400, 0x482},
                                           {0x48A, 0x52F},
                                           {0x2010, 0x2027},
                                           {0x3041, 0x3096},
                                           {0x30A1, 0x30FA},
                                           {0x4E00, 0x9FFF},
                                           {0xAC00, 0xD7A3}}};

constexpr char32_t first_unsafe(NormalForm form) {
  switch (form) {
    case NormalForm::kNfc:
      return 0x300;
    case NormalForm::kNfkc:
      return 0xA0;
    case NormalForm::kNfd:
    case NormalForm::kNfkd:
      break;
  }
  return 0x80;  // U+00C0 decomposes; what is between is not worth a case
}

bool is_safe(char32_t c, NormalForm form) {
  if (c < first_unsafe(form)) return true;
  if (form != NormalForm::kNfc) return false;
  for (const Range& range : kSafeInNfc) {
    if (c <= range.last) return c >= range.first;
  }
  return false;
}

int utf8proc_options(NormalForm form) {
  switch (form) {
    case NormalForm::kNfc:
      return UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    case NormalForm::kNfd:
      return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    case NormalForm::kNfkc:
      return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    case NormalForm::kNfkd:
      break;
  }
  return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
}

using CodePoints = std::vector<utf8proc_int32_t>;

int combining_class(utf8proc_int32_t c) {
  return utf8proc_get_property(c)->combining_class;
}

void append_decomposed(CodePoints& out, char32_t c, utf8proc_option_t options) {
  constexpr std::size_t kLongest = 32;  // U+FDFA, the longest in Unicode, becomes 18
  const std::size_t size = out.size();
  out.resize(size + kLongest);
  int last_boundary = 0;
  const utf8proc_ssize_t added = utf8proc_decompose_char(
      static_cast<utf8proc_int32_t>(c), out.data() + size, kLongest, options, &last_boundary);
  if (added < 0 || static_cast<std::size_t>(added) > kLongest) {
    fail(ErrorKind::kInternal, "normalize", "utf8proc could not decompose a character");
  }
  out.resize(size + static_cast<std::size_t>(added));
}

// Canonical order: marks by their class, those of one class as they came. Not left to utf8proc,
// whose insertion sort takes quadratic time on a long run of marks.
void order_marks(CodePoints& points) {
  const auto is_starter = [](utf8proc_int32_t c) { return combining_class(c) == 0; };
  auto at = points.begin();
  while (at != points.end()) {
    const auto begin = std::find_if_not(at, points.end(), is_starter);
    at = std::find_if(begin, points.end(), is_starter);
    std::stable_sort(begin, at, [](utf8proc_int32_t a, utf8proc_int32_t b) {
      return combining_class(a) < combining_class(b);
    });
  }
}

// Normalises the segment `part` and appends it. `points` is a buffer kept between calls.
void append_normalized(std::string& out, std::string_view part, NormalForm form,
                       CodePoints& points) {
  const auto options = static_cast<utf8proc_option_t>(utf8proc_options(form));
  points.clear();
  for (std::size_t at = 0; at < part.size();) {
    const CodePoint point = code_point_at(part, at);
    append_decomposed(points, point.value, options);
    at += point.size;
  }
  order_marks(points);
  const utf8proc_ssize_t length = utf8proc_normalize_utf32(
      points.data(), static_cast<utf8proc_ssize_t>(points.size()), options);
  if (length < 0) fail(ErrorKind::kInternal, "normalize", utf8proc_errmsg(length));
  for (std::size_t i = 0; i < static_cast<std::size_t>(length); ++i) {
    append_utf8(out, static_cast<char32_t>(points[i]));
  }
}

// Offset of the first code point from `at` on that is not safe, or the text's end.
std::size_t safe_end(std::string_view text, std::size_t at, NormalForm form, Progress& progress) {
  while (at < text.size()) {
    const CodePoint point = code_point_at(text, at);
    if (!is_safe(point.value, form)) break;
    at += point.size;
    progress.work(point.size);
  }
  return at;
}

}  // namespace

void normalize(std::string& text, NormalForm form) {
  Progress unreported;
  normalize(text, form, unreported);
}

void normalize(std::string& text, NormalForm form, Progress& progress) {
  std::size_t unsafe = safe_end(text, 0, form, progress);
  if (unsafe == text.size()) return;

  std::string out;
  out.reserve(text.size() + text.size() / 8);
  CodePoints points;
  const std::string_view view = text;
  std::size_t copied = 0;  // text before this offset is in `out`
  while (unsafe < view.size()) {
    // An unsafe segment starts with the starter before it, which it may change.
    std::size_t begin = unsafe == copied ? copied : previous_code_point(view, unsafe);
    out.append(view, copied, begin - copied);
    std::size_t at = unsafe;
    while (at < view.size()) {
      const CodePoint point = code_point_at(view, at);
      if (is_safe(point.value, form)) break;
      if ((classes_of(point.value) & kInert) != 0) {  // stands between its neighbours unchanged
        append_normalized(out, view.substr(begin, at - begin), form, points);
        out.append(view, at, point.size);
        begin = at + point.size;
      }
      at += point.size;
      progress.work(point.size);
    }
    append_normalized(out, view.substr(begin, at - begin), form, points);
    copied = at;
    unsafe = safe_end(view, at, form, progress);
  }
  out.append(view, copied, std::string_view::npos);
  text = std::move(out);
}

}  // namespace xlstm::text
