// The command mode of vi: counts, motions, operators.
#include <algorithm>

#include "xlstm/apps/editor/editor.h"
#include "xlstm/apps/editor/glyphs.h"

namespace xlstm::apps {
namespace {

bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n';
}

// What a word of `w` (or of `W`: all that is not blank) is made of.
int class_of(char byte, bool big) {
  if (is_blank(byte)) return 0;
  return big || is_word_byte(byte) ? 1 : 2;
}

std::size_t next_word(const std::string& text, std::size_t at, bool big) {
  if (at >= text.size()) return at;
  const int here = class_of(text[at], big);
  while (at < text.size() && class_of(text[at], big) == here) ++at;
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

std::size_t word_end(const std::string& text, std::size_t at, bool big) {
  if (at < text.size()) at += glyph_at(text, at).size;
  while (at < text.size() && is_blank(text[at])) ++at;
  if (at >= text.size()) return previous_glyph(text, text.size());
  const int here = class_of(text[at], big);
  while (at < text.size() && class_of(text[at], big) == here) ++at;
  return previous_glyph(text, at);
}

std::size_t word_start(const std::string& text, std::size_t at, bool big) {
  while (at > 0 && is_blank(text[at - 1])) --at;
  if (at == 0) return 0;
  const int here = class_of(text[at - 1], big);
  while (at > 0 && class_of(text[at - 1], big) == here) --at;
  return at;
}

}  // namespace

void Editor::vi_leave_insert() {
  pending_.clear();
  if (inserting_ && cursor() > buffer_.line_start()) buffer_.move(buffer_.left());
  inserting_ = false;
}

Edited Editor::vi_insert_at(std::size_t cursor) {
  buffer_.move(cursor);
  inserting_ = true;
  return Edited::kOn;
}

Edited Editor::vi_keys(std::string_view keys) {
  Edited result = Edited::kOn;
  while (!keys.empty()) {
    if (inserting_) return type(keys);
    const std::size_t size = glyph_at(keys, 0).size;
    pending_ += keys.substr(0, size);
    keys.remove_prefix(size);
    const auto command = parse_vi_command(pending_);
    if (!command) continue;
    pending_.clear();
    result = vi_run(*command);
    // The cursor stands on a glyph, never behind the last one.
    const bool behind = cursor() == buffer_.line_end() && cursor() > buffer_.line_start();
    if (!inserting_ && behind) buffer_.move(buffer_.left());
  }
  return result;
}

Edited Editor::vi_run(const ViCommand& command) {
  if (command.action != '\0' && command.key == command.action) {
    // The whole text, which is one turn, is vi's line.
    const std::size_t before = cursor();
    buffer_.move(0);
    const Edited result = vi_operate(command.action, text().size());
    if (command.action == 'y') buffer_.move(before);
    return result;
  }
  const auto target = vi_target(command);
  if (!target) return command.action != '\0' ? Edited::kBell : vi_simple(command);
  if (command.action == '\0') {
    buffer_.move(target->at);
    return Edited::kOn;
  }
  const bool one_more = target->inclusive && target->at < text().size();
  return vi_operate(command.action,
                    one_more ? target->at + glyph_at(text(), target->at).size : target->at);
}

std::optional<Editor::ViTarget> Editor::vi_target(const ViCommand& command) {
  if (is_vi_find(command.key)) {
    last_find_ = command.key + command.glyph;
    return vi_find(command.key, command.count);
  }
  if (command.key == ';' && !last_find_.empty()) return vi_find(last_find_[0], command.count);
  if (command.key == ',' && !last_find_.empty()) {
    return vi_find(static_cast<char>(last_find_[0] ^ 0x20), command.count);
  }
  if (command.action == 'c' && command.key == 'w') return vi_motion('e', command.count);
  if (command.action == 'c' && command.key == 'W') return vi_motion('E', command.count);
  return vi_motion(command.key, command.count);
}

// d, c or y from the cursor to `target`, on either side.
Edited Editor::vi_operate(char action, std::size_t target) {
  const std::size_t from = std::min(cursor(), target);
  const std::size_t to = std::max(cursor(), target);
  if (action == 'y') {
    killed_ = text().substr(from, to - from);
    buffer_.move(from);
    return Edited::kOn;
  }
  kill(from, to);
  inserting_ = action == 'c';
  return Edited::kOn;
}

std::optional<Editor::ViTarget> Editor::vi_motion(char key, std::size_t count) const {
  const std::string& all = text();
  if (key == '0') return ViTarget{buffer_.line_start(), false};
  if (key == '$') return ViTarget{buffer_.line_end(), false};
  if (key == '^') {
    const std::size_t start = all.find_first_not_of(" \t", buffer_.line_start());
    return ViTarget{std::min(start, buffer_.line_end()), false};
  }
  if (std::string_view("hlwWeEbB ").find(key) == std::string_view::npos) return std::nullopt;
  const bool big = key == 'W' || key == 'E' || key == 'B';
  std::size_t at = cursor();
  for (; count > 0; --count) {
    const std::size_t before = at;
    if (key == 'h') at = previous_glyph(all, at);
    if ((key == 'l' || key == ' ') && at < all.size()) at += glyph_at(all, at).size;
    if (key == 'w' || key == 'W') at = next_word(all, at, big);
    if (key == 'e' || key == 'E') at = word_end(all, at, big);
    if (key == 'b' || key == 'B') at = word_start(all, at, big);
    if (at == before) break;
  }
  return ViTarget{at, key == 'e' || key == 'E'};
}

// `kind` is f, F, t or T; the glyph is the last one asked for.
std::optional<Editor::ViTarget> Editor::vi_find(char kind, std::size_t count) const {
  const std::string_view glyph = std::string_view(last_find_).substr(1);
  const bool forward = kind == 'f' || kind == 't';
  std::size_t at = cursor();
  for (; count > 0; --count) {
    if (!forward && at == 0) return std::nullopt;
    at = forward ? text().find(glyph, at + 1) : text().rfind(glyph, at - 1);
    if (at == std::string::npos) return std::nullopt;
  }
  if (kind == 't') at = previous_glyph(text(), at);
  if (kind == 'T') at += glyph.size();
  return ViTarget{at, forward};
}

// The commands that are no motions.
Edited Editor::vi_simple(const ViCommand& command) {
  const auto to = [&](char motion) { return vi_motion(motion, command.count)->at; };
  switch (command.key) {
    case 'i':
      return vi_insert_at(cursor());
    case 'a':
      return vi_insert_at(buffer_.right());
    case 'I':
      return vi_insert_at(buffer_.line_start());
    case 'A':
      return vi_insert_at(buffer_.line_end());
    case 'D':
      return vi_operate('d', buffer_.line_end());
    case 'C':
      return vi_operate('c', buffer_.line_end());
    case 'S':
      buffer_.move(0);
      return vi_operate('c', text().size());
    case 's':
      return vi_operate('c', to('l'));
    case 'x':
      return vi_operate('d', to('l'));
    case 'X':
      return vi_operate('d', to('h'));
    case 'r':
      buffer_.replace(cursor(), buffer_.right(), command.glyph);
      buffer_.move(buffer_.left());
      return Edited::kOn;
    case 'p':
      buffer_.move(buffer_.right());
      return type(killed_);
    case 'P':
      return type(killed_);
    case 'u':
      return buffer_.undo() ? Edited::kOn : Edited::kBell;
    case 'k':
      return older();
    case 'j':
      return newer();
    default:
      return Edited::kBell;
  }
}

}  // namespace xlstm::apps
