// Lines from a terminal, with editing and history (libedit).
#pragma once

#include <string>

#include "xlstm/apps/turn_reader.h"

namespace xlstm::apps {

// At most one at a time: libedit has one state for the whole program. Prompts and echo go to
// standard error, so that standard output carries answers alone. History is kept in
// $XDG_STATE_HOME/xlstm/history (~/.local/state/xlstm/history); failures to read or write it are
// ignored.
class LineEditor : public LineSource {
 public:
  LineEditor();
  ~LineEditor() override;
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  Line read(const std::string& prompt) override;

 private:
  std::string history_file_;  // "" when there is no place for one
};

}  // namespace xlstm::apps
