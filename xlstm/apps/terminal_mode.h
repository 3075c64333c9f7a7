// The terminal's mode: the editor's while a line is typed, else as it was found.
#pragma once

namespace xlstm::apps {

// Saves the terminal's mode for restore_terminal().
void remember_terminal();
// Also from a signal handler. Only where the terminal is ours: from the background this would stop
// us or disturb others.
void restore_terminal();

// Raw mode: keys arrive one by one, without echo, and none of them is a signal. `paste`: bracketed
// paste (key_decoder.h). To be called again after another program used the terminal.
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
