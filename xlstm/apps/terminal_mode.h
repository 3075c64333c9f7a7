// The terminal's mode: the editor's while a line is typed, else as it was found.
#pragma once

namespace xlstm::apps {

// How the terminal is now is how restore_terminal() shall leave it.
void remember_terminal();
// Also from a signal handler. Only where the terminal is ours: from the background this would stop
// us or disturb others.
void restore_terminal();

// From here on keys come one by one, unseen, and none of them is a signal. `paste`: the terminal
// marks what is pasted (key_decoder.h). Called again it brings that back after another program had
// the terminal.
void begin_editing(bool paste);
void end_editing();

// Since the last call: the terminal has another size; the program was stopped and goes on.
struct TerminalChanges {
  bool resized = false;
  bool continued = false;
};
// From now on such changes end a wait_for() (interrupts.h), and SIGQUIT restores the terminal.
void watch_terminal();
TerminalChanges take_terminal_changes();

}  // namespace xlstm::apps
