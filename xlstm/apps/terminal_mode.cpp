#include "xlstm/apps/terminal_mode.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>

#include "xlstm/apps/editor/key_decoder.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/system.h"

namespace xlstm::apps {
namespace {

termios g_original_mode = {};  // when the program started
bool g_have_found = false;
termios g_mode_before_editing = {};  // when the editing began
std::atomic<bool> g_editing{false};
std::atomic<bool> g_marks_paste{false};
std::atomic<bool> g_resized{false};
std::atomic<bool> g_continued{false};
static_assert(std::atomic<bool>::is_always_lock_free, "used in signal handlers");

void set_mode(const termios& mode) {
  uninterrupted([&] { return tcsetattr(STDIN_FILENO, TCSANOW, &mode); });
}

void on_resize(int) {
  g_resized = true;
  wake_waiting();
}

void on_continue(int) {
  g_continued = true;
  wake_waiting();
}

void on_quit(int number) {
  restore_terminal();
  signal(number, SIG_DFL);
  raise(number);
}

void watch(int number, void (*handler)(int)) {
  struct sigaction action = {};
  if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // a resized window interrupts no other call
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

}  // namespace

void remember_terminal() {
  g_have_found = tcgetattr(STDIN_FILENO, &g_original_mode) == 0;
}

void restore_terminal() {
  if (!g_have_found || tcgetpgrp(STDIN_FILENO) != getpgrp()) return;
  if (g_marks_paste) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kPasteOff, sizeof(kPasteOff) - 1);
  }
  tcsetattr(STDIN_FILENO, TCSANOW, &g_original_mode);
}

void begin_editing(bool paste) {
  if (!g_editing && tcgetattr(STDIN_FILENO, &g_mode_before_editing) != 0) return;
  termios mode = g_mode_before_editing;
  mode.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR | IGNCR | ISTRIP | IXON);
  mode.c_oflag |= OPOST | ONLCR;
  // Ctrl-C becomes a key like others, in its turn. As a signal it would also empty the terminal's
  // queue, and read() would wait for keys that wait_for() has seen.
  mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  g_editing = true;
  set_mode(mode);
  g_marks_paste = paste;
  if (paste) write_note(kPasteOn);
}

void end_editing() {
  if (!g_editing) return;
  if (g_marks_paste.exchange(false)) write_note(kPasteOff);
  set_mode(g_mode_before_editing);
  g_editing = false;
}

void watch_terminal() {
  watch(SIGWINCH, on_resize);
  watch(SIGCONT, on_continue);
  watch(SIGQUIT, on_quit);
}

TerminalChanges take_terminal_changes() {
  return {g_resized.exchange(false), g_continued.exchange(false)};
}

}  // namespace xlstm::apps
