#include "xlstm/apps/line_editor.h"

// readline.h uses FILE without including what declares it on some systems.
#include <cstdio>
//
#include <editline/readline.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include "xlstm/apps/interrupts.h"

namespace xlstm::apps {
namespace {

constexpr int kHistoryLines = 1000;
constexpr int kControlC = 3;

// What libedit's callbacks leave for read(): a line, the end of input, Ctrl-C.
std::optional<Line> g_line;

void take_line(char* text) {
  g_line = text == nullptr ? Line{LineEnd::kEndOfInput, ""} : Line{LineEnd::kText, text};
  std::free(text);
}

std::string state_folder() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') return std::string(state) + "/xlstm";
  const char* home = std::getenv("HOME");
  return home != nullptr && home[0] == '/' ? std::string(home) + "/.local/state/xlstm" : "";
}

std::string make_history_file() {
  const std::string folder = state_folder();
  if (folder.empty()) return "";
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  return failed ? "" : folder + "/history";
}

// Waits for a key. kInterrupted after Ctrl-C, kEndOfInput when the terminal is gone.
LineEnd wait_for_key() {
  if (!wait_readable(STDIN_FILENO)) return LineEnd::kInterrupted;
  int bytes = 0;
  const bool gone = ioctl(STDIN_FILENO, FIONREAD, &bytes) != 0 || bytes == 0;
  return gone ? LineEnd::kEndOfInput : LineEnd::kText;
}

int drop_line(int, int) {
  g_line = Line{LineEnd::kInterrupted, ""};
  return 0;
}

void set_up_keys() {
  rl_add_defun("xlstm-drop-line", drop_line, kControlC);
  // Linux hands on a Ctrl-D that was typed before the prompt, when the terminal was not yet the
  // editor's, as a zero.
  char binding[] = "bind ^@ em-delete-or-list";
  rl_parse_and_bind(binding);
}

// Ctrl-C becomes a key like others, in its turn. As a signal it would also empty the terminal's
// queue, and read() would wait for keys that wait_for_key() has seen. libedit undoes this when it
// gives the terminal back.
void make_interrupt_a_key() {
  termios terminal;
  if (tcgetattr(STDIN_FILENO, &terminal) != 0) return;
  terminal.c_cc[VINTR] = _POSIX_VDISABLE;
  tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
}

}  // namespace

LineEditor::LineEditor() : history_file_(make_history_file()) {
  rl_readline_name = "xlstm";
  rl_instream = stdin;
  rl_outstream = stderr;
  rl_catch_signals = 0;  // they are ours (interrupts.h)
  rl_initialize();
  set_up_keys();
  using_history();
  stifle_history(kHistoryLines);
  if (!history_file_.empty()) read_history(history_file_.c_str());
}

LineEditor::~LineEditor() {
  if (!history_file_.empty()) write_history(history_file_.c_str());
}

Line LineEditor::read(const std::string& prompt) {
  g_line.reset();
  // The form with callbacks, because libedit's readline() goes on reading after a signal.
  rl_callback_handler_install(prompt.c_str(), take_line);
  make_interrupt_a_key();
  while (!g_line) {
    const LineEnd waited = wait_for_key();
    if (waited != LineEnd::kText) {
      g_line = Line{waited, ""};
    } else {
      rl_callback_read_char();
    }
  }
  rl_callback_handler_remove();
  if (g_line->end != LineEnd::kText) std::fputc('\n', stderr);
  if (!g_line->text.empty()) add_history(g_line->text.c_str());
  return *g_line;
}

}  // namespace xlstm::apps
