#include "xlstm/apps/editor/glyphs.h"
#include "xlstm/apps/editor/screen.h"

namespace xlstm::apps {
namespace {

std::string pictures_of(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = glyph_at(text, at).size;
    const std::string_view glyph = text.substr(at, size);
    out += glyph == "\n" || glyph == "\t" ? std::string(glyph) : picture_of(glyph);
    at += size;
  }
  return out;
}

std::string erasing(int columns) {
  std::string out;
  for (; columns > 0; --columns) out += "\b \b";
  return out;
}

}  // namespace

std::string DumbScreen::show(const std::string& text, std::size_t) {
  std::string out;
  if (text.starts_with(shown_)) {
    out = pictures_of(std::string_view(text).substr(shown_.size()));
  } else if (shown_.starts_with(text) && shown_.find_first_of("\n\t", text.size()) == shown_.npos) {
    out = erasing(width_of(std::string_view(shown_).substr(text.size())));
  } else {
    out = "\n" + pictures_of(text);
  }
  shown_ = text;
  return out;
}

std::string DumbScreen::leave() {
  shown_.clear();
  return "\n";
}

std::string DumbScreen::clear() {
  return shown_.empty() ? "" : leave();
}

}  // namespace xlstm::apps
