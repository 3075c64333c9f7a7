#include "xlstm/apps/multiline_input.h"

#include <string_view>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/streams.h"

namespace xlstm::apps {
namespace {

constexpr std::string_view kQuotes = "\"\"\"";
constexpr char kMorePrompt[] = "... ";

// The rest of a block whose first line, without the opening quotes, is `text`.
Line read_block(LineSource& lines, std::string text) {
  while (!text.ends_with(kQuotes)) {
    Line line = lines.read(kMorePrompt);
    if (line.end == LineEnd::kInterrupted) return line;
    if (line.end == LineEnd::kEndOfInput) return {LineEnd::kText, text};
    text += "\n" + line.text;
  }
  text.resize(text.size() - kQuotes.size());
  // The lines with the quotes alone belong to them, not to the text.
  if (text.starts_with('\n')) text.erase(0, 1);
  if (text.ends_with('\n')) text.pop_back();
  return {LineEnd::kText, text};
}

Line read_continued(LineSource& lines, std::string text) {
  while (text.ends_with('\\')) {
    text.back() = '\n';
    Line line = lines.read(kMorePrompt);
    if (line.end == LineEnd::kInterrupted) return line;
    if (line.end == LineEnd::kEndOfInput) break;
    text += line.text;
  }
  return {LineEnd::kText, text};
}

}  // namespace

Line PipeLines::read(const std::string&) {
  try {
    auto line = read_line();
    if (!line) return {LineEnd::kEndOfInput, ""};
    return {LineEnd::kText, std::move(*line)};
  } catch (const Interrupted&) {
    return {LineEnd::kInterrupted, ""};
  }
}

Line read_multiline(LineSource& lines, const std::string& prompt) {
  Line line = lines.read(prompt);
  if (line.end != LineEnd::kText) return line;
  if (line.text.find('\n') != std::string::npos) return line;  // pasted: whole as it is
  if (line.text.starts_with(kQuotes)) return read_block(lines, line.text.substr(kQuotes.size()));
  return read_continued(lines, line.text);
}

}  // namespace xlstm::apps
