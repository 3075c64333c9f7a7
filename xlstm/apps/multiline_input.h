// A message of several lines, as a person types it.
#pragma once

#include <string>

namespace xlstm::apps {

enum class LineEnd { kText, kEndOfInput, kInterrupted };

struct Line {
  LineEnd end = LineEnd::kText;
  std::string text;  // without line end
};

// Where lines come from: a terminal with editing and history, or a pipe.
class LineSource {
 public:
  virtual ~LineSource() = default;
  virtual Line read(const std::string& prompt) = 0;
};

// Standard input as it is; shows no prompt.
class PipeLines : public LineSource {
 public:
  Line read(const std::string& prompt) override;
};

// Reads one message:
// - a line ending in a backslash goes on in the next one, with a line end in the backslash's place;
// - """ at the start of a line opens a block that ends with a line that ends in """;
// - else a line is a message.
// Ctrl-C drops what was typed of the message. At the end of input, an unfinished message counts as
// finished.
Line read_multiline(LineSource& lines, const std::string& prompt);

}  // namespace xlstm::apps
