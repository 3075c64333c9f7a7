#include "xlstm/apps/editor/edit_buffer.h"

#include <algorithm>
#include <utility>

#include "xlstm/apps/editor/glyphs.h"

namespace xlstm::apps {
namespace {

std::size_t start_of_line(const std::string& text, std::size_t at) {
  const std::size_t end = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  return end == std::string::npos ? 0 : end + 1;
}

}  // namespace

bool is_word_byte(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z') || byte == '_' || (byte & 0x80) != 0;
}

void EditBuffer::set(std::string text) {
  text_ = std::move(text);
  cursor_ = text_.size();
  changes_.clear();
}

void EditBuffer::replace(std::size_t from, std::size_t to, std::string_view text) {
  // What is typed in a run is one change.
  const bool goes_on = from == to && !changes_.empty() && changes_.back().removed.empty() &&
                       changes_.back().at + changes_.back().added.size() == from;
  if (goes_on) {
    changes_.back().added += text;
  } else if (from != to || !text.empty()) {
    changes_.push_back({from, text_.substr(from, to - from), std::string(text)});
  }
  text_.replace(from, to - from, text);
  cursor_ = from + text.size();
}

bool EditBuffer::undo() {
  if (changes_.empty()) return false;
  const Change change = std::move(changes_.back());
  changes_.pop_back();
  text_.replace(change.at, change.added.size(), change.removed);
  cursor_ = change.at + change.removed.size();
  return true;
}

std::size_t EditBuffer::left() const {
  return previous_glyph(text_, cursor_);
}

std::size_t EditBuffer::right() const {
  return cursor_ < text_.size() ? cursor_ + glyph_at(text_, cursor_).size : cursor_;
}

std::size_t EditBuffer::word_left() const {
  std::size_t at = cursor_;
  while (at > 0 && !is_word_byte(text_[at - 1])) --at;
  while (at > 0 && is_word_byte(text_[at - 1])) --at;
  return at;
}

std::size_t EditBuffer::word_right() const {
  std::size_t at = cursor_;
  while (at < text_.size() && !is_word_byte(text_[at])) ++at;
  while (at < text_.size() && is_word_byte(text_[at])) ++at;
  return at;
}

std::size_t EditBuffer::line_start() const {
  return start_of_line(text_, cursor_);
}

std::size_t EditBuffer::line_end() const {
  return std::min(text_.find('\n', cursor_), text_.size());
}

std::size_t EditBuffer::column() const {
  std::size_t column = 0;
  for (std::size_t at = line_start(); at < cursor_; ++column) at += glyph_at(text_, at).size;
  return column;
}

std::size_t EditBuffer::at_column(std::size_t start, std::size_t column) const {
  std::size_t at = start;
  for (; column > 0 && at < text_.size() && text_[at] != '\n'; --column) {
    at += glyph_at(text_, at).size;
  }
  return at;
}

std::size_t EditBuffer::line_up() const {
  const std::size_t start = line_start();
  return start == 0 ? std::string::npos : at_column(start_of_line(text_, start - 1), column());
}

std::size_t EditBuffer::line_down() const {
  const std::size_t end = line_end();
  return end == text_.size() ? std::string::npos : at_column(end + 1, column());
}

}  // namespace xlstm::apps
