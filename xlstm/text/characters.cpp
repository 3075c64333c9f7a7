#include "xlstm/text/characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

namespace xlstm::text {
namespace {

constexpr std::size_t kCodePoints = 0x110000;

// The runs as a flat table, 1.1 MB: one load where a binary search would take eleven steps.
std::vector<std::uint8_t> flat_classes() {
  std::vector<std::uint8_t> flat(kCodePoints, 0);
  const std::vector<ClassRun>& runs = class_runs();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::size_t end = i + 1 < runs.size() ? runs[i + 1].first : kCodePoints;
    std::fill(flat.begin() + runs[i].first, flat.begin() + static_cast<std::ptrdiff_t>(end),
              runs[i].classes);
  }
  return flat;
}

char32_t lowercase(char32_t code_point) {
  const std::vector<LowercaseChange>& changes = lowercase_changes();
  const auto found =
      std::lower_bound(changes.begin(), changes.end(), code_point,
                       [](const LowercaseChange& change, char32_t c) { return change.from < c; });
  if (found != changes.end() && found->from == code_point) return found->to;
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code_point)));
}

}  // namespace

void append_utf8(std::string& text, char32_t code_point) {
  const auto tail = [](char32_t bits) { return static_cast<char>(0x80 | (bits & 0x3F)); };
  if (code_point < 0x80) {
    text += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    text += static_cast<char>(0xC0 | (code_point >> 6));
    text += tail(code_point);
  } else if (code_point < 0x10000) {
    text += static_cast<char>(0xE0 | (code_point >> 12));
    text += tail(code_point >> 6);
    text += tail(code_point);
  } else {
    text += static_cast<char>(0xF0 | (code_point >> 18));
    text += tail(code_point >> 12);
    text += tail(code_point >> 6);
    text += tail(code_point);
  }
}

std::uint8_t classes_of(char32_t code_point) {
  static const std::vector<std::uint8_t> flat = flat_classes();
  return code_point < kCodePoints ? flat[code_point] : 0;
}

void append_lowercase(std::string& text, char32_t code_point) {
  constexpr char32_t kCapitalIWithDot = 0x130;
  constexpr char32_t kDotAbove = 0x307;
  if (code_point == kCapitalIWithDot) {
    text += 'i';
    append_utf8(text, kDotAbove);
    return;
  }
  append_utf8(text, lowercase(code_point));
}

}  // namespace xlstm::text
