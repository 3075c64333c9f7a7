// Lines into turns: what a person types until it is complete.
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

// Reads one turn:
// - a line ending in a backslash goes on in the next one, with a line end in the backslash's place;
// - """ at the start of a line opens a block that ends with a line that ends in """;
// - else a line is a turn.
// Ctrl-C drops what was typed of the turn. At the end of input, an unfinished turn counts as
// finished.
Line read_turn(LineSource& lines, const std::string& prompt);

}  // namespace xlstm::apps
