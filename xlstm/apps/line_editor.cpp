#include "xlstm/apps/line_editor.h"

// readline.h uses FILE without including what declares it on some systems.
#include <cstdio>
//
#include <editline/readline.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "xlstm/apps/terminal.h"

namespace xlstm::apps {
namespace {

constexpr int kHistoryLines = 1000;

// What libedit's callback leaves for read(): a line, or the end of input.
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
  pollfd input{STDIN_FILENO, POLLIN, 0};
  const int ready = poll(&input, 1, -1);
  if (interrupted()) return LineEnd::kInterrupted;
  if (ready < 0) return errno == EINTR ? LineEnd::kText : LineEnd::kEndOfInput;
  int bytes = 0;
  const bool gone = ioctl(STDIN_FILENO, FIONREAD, &bytes) != 0 || bytes == 0;
  return gone ? LineEnd::kEndOfInput : LineEnd::kText;
}

}  // namespace

LineEditor::LineEditor() : history_file_(make_history_file()) {
  rl_readline_name = "xlstm";
  rl_instream = stdin;
  rl_outstream = stderr;
  rl_catch_signals = 0;  // Ctrl-C is ours (terminal.h)
  rl_initialize();
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
