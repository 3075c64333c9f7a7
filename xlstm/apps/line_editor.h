// Lines from a terminal, with editing, history and completion.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "xlstm/apps/editor/editor.h"
#include "xlstm/apps/editor/history.h"
#include "xlstm/apps/editor/key_decoder.h"
#include "xlstm/apps/editor/screen.h"
#include "xlstm/apps/multiline_input.h"

namespace xlstm::apps {

// At most one at a time: there is one terminal. Keys are UTF-8, whatever the locale. Prompts and
// echo go to standard error, which must be the terminal too, so that standard output carries
// answers alone. Between two read() the terminal is as it was found. History: history_file().
class LineEditor : public LineSource {
 public:
  explicit LineEditor(Completer complete);

  // A text that was pasted may have several lines.
  Line read(const std::string& prompt) override;

 private:
  Line edit();
  std::optional<Line> react(Edited edited);
  std::optional<LineEnd> wait_for_keys();
  std::optional<LineEnd> read_keys();
  void follow_terminal();
  void suspend();
  void show(std::size_t cursor);
  void show_choices();

  bool controls_;  // the terminal understands control sequences
  History history_;
  Editor editor_;
  KeyDecoder keys_;
  std::unique_ptr<Screen> screen_;
  std::string prompt_;
  int typed_ahead_ = 0;  // bytes that came before the prompt
};

}  // namespace xlstm::apps
