#include "tests/apps/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace xlstm::testing {
namespace {

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string(what) + " failed");
}

std::pair<int, int> make_pipe() {
  int ends[2];
  check(pipe(ends) == 0, "pipe");
  for (const int end : ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  return {ends[0], ends[1]};
}

void close_once(int& descriptor) {
  if (descriptor >= 0) close(descriptor);
  descriptor = -1;
}

constexpr unsigned kSecondsToRun = 300;
constexpr unsigned kSecondsToTalk = 240;

// In the child, between fork and exec. Its alarm goes off in the program that it becomes.
[[noreturn]] void become(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& environment, unsigned seconds) {
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  signal(SIGPIPE, SIG_DFL);
  // A shell in the background ignores some of them, and hands that on.
  for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGALRM, SIGTSTP}) {
    signal(number, SIG_DFL);
  }
  alarm(seconds);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0) check(errno == EINTR, "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Appends what one read gives; false at the end.
bool read_some(int descriptor, std::string& to) {
  std::array<char, 1 << 16> block;
  const ssize_t got = read(descriptor, block.data(), block.size());
  if (got > 0) to.append(block.data(), static_cast<std::size_t>(got));
  return got > 0 || (got < 0 && errno == EINTR);
}

winsize size_of(int columns) {
  winsize size = {};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = 24;
  return size;
}

struct Terminal {
  int master, program;  // the ends of whoever types and reads, and of the program
};

Terminal open_terminal(int columns) {
  Terminal terminal{};
  terminal.master = posix_openpt(O_RDWR | O_NOCTTY);
  check(terminal.master >= 0, "posix_openpt");
  check(grantpt(terminal.master) == 0 && unlockpt(terminal.master) == 0, "unlockpt");
  terminal.program = open(ptsname(terminal.master), O_RDWR | O_NOCTTY);
  check(terminal.program >= 0, "open of a terminal");
  const winsize size = size_of(columns);
  check(ioctl(terminal.program, TIOCSWINSZ, &size) == 0, "ioctl");
  return terminal;
}

// In the child: this terminal is where it is controlled from, and its three streams.
void live_at(const Terminal& terminal) {
  setsid();
  ioctl(terminal.program, TIOCSCTTY, 0);
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    dup2(terminal.program, number);
  }
  for (const int end : {terminal.master, terminal.program}) {
    if (end > STDERR_FILENO) close(end);
  }
}

// Feeds `input` and gathers both outputs at once, so that neither side waits for the other.
void exchange(int& input, const std::string& text, int& out, int& err, Result& result) {
  std::size_t written = 0;
  while (out >= 0 || err >= 0) {
    if (input >= 0 && written == text.size()) close_once(input);
    std::array<pollfd, 3> ends{{{input, POLLOUT, 0}, {out, POLLIN, 0}, {err, POLLIN, 0}}};
    check(poll(ends.data(), ends.size(), -1) >= 0 || errno == EINTR, "poll");
    if (input >= 0 && ends[0].revents != 0) {
      const ssize_t gone = write(input, text.data() + written, text.size() - written);
      if (gone > 0) written += static_cast<std::size_t>(gone);
      if (gone < 0 && errno != EINTR && errno != EAGAIN) close_once(input);
    }
    if (out >= 0 && ends[1].revents != 0 && !read_some(out, result.out)) close_once(out);
    if (err >= 0 && ends[2].revents != 0 && !read_some(err, result.err)) close_once(err);
  }
  close_once(input);
}

}  // namespace

Result run(const std::vector<std::string>& command, const RunOptions& options) {
  signal(SIGPIPE, SIG_IGN);
  auto [child_in, in] = make_pipe();
  auto [out, child_out] = make_pipe();
  auto [err, child_err] = make_pipe();
  const pid_t child = fork();
  check(child >= 0, "fork");
  if (child == 0) {
    if (!options.out_file.empty()) child_out = open(options.out_file.c_str(), O_WRONLY);
    dup2(child_in, STDIN_FILENO);
    dup2(child_out, STDOUT_FILENO);
    dup2(child_err, STDERR_FILENO);
    if (options.file_size_limit > 0) {
      const rlimit limit{options.file_size_limit, options.file_size_limit};
      setrlimit(RLIMIT_FSIZE, &limit);
    }
    for (int number = 0; number <= STDERR_FILENO && !options.blocks; ++number) {
      fcntl(number, F_SETFL, O_NONBLOCK);
    }
    for (const int number : options.closed) close(number);
    become(command, options.environment, kSecondsToRun);
  }
  for (int* end : {&child_in, &child_out, &child_err}) close_once(*end);
  fcntl(in, F_SETFL, O_NONBLOCK);
  Result result;
  exchange(in, options.input, out, err, result);
  result.code = wait_for(child);
  return result;
}

Process::Process(const std::vector<std::string>& command, Streams streams,
                 const std::map<std::string, std::string>& environment, int columns) {
  signal(SIGPIPE, SIG_IGN);
  if (streams == Streams::kTerminal) {
    Terminal terminal = open_terminal(columns);
    output_ = terminal.master;
    child_ = fork();
    check(child_ >= 0, "fork");
    if (child_ == 0) {
      live_at(terminal);
      become(command, environment, kSecondsToTalk);
    }
    close_once(terminal.program);
    return;
  }
  auto [child_in, in] = make_pipe();
  auto [out, child_out] = make_pipe();
  auto [err, child_err] = make_pipe();
  child_ = fork();
  check(child_ >= 0, "fork");
  if (child_ == 0) {
    dup2(child_in, STDIN_FILENO);
    dup2(child_out, STDOUT_FILENO);
    dup2(child_err, STDERR_FILENO);
    become(command, environment, kSecondsToTalk);
  }
  for (int* end : {&child_in, &child_out, &child_err}) close_once(*end);
  input_ = in, output_ = out, errors_ = err;
}

Process::~Process() {
  if (child_ > 0) {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  for (int* end : {&input_, &output_, &errors_}) close_once(*end);
}

void Process::write(const std::string& text) {
  if (input_ < 0) return write_to_terminal(text);
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t gone = ::write(input_, text.data() + written, text.size() - written);
    check(gone > 0 || errno == EINTR, "write");
    if (gone > 0) written += static_cast<std::size_t>(gone);
  }
}

// A terminal takes no more keys while nobody reads what it shows.
void Process::write_to_terminal(const std::string& text) {
  const int flags = fcntl(output_, F_GETFL);
  fcntl(output_, F_SETFL, flags | O_NONBLOCK);
  for (std::size_t written = 0; written < text.size();) {
    pollfd terminal{output_, POLLIN | POLLOUT, 0};
    check(poll(&terminal, 1, -1) >= 0 || errno == EINTR, "poll");
    if ((terminal.revents & POLLIN) != 0) read_some(output_, read_);
    const ssize_t gone = ::write(output_, text.data() + written, text.size() - written);
    check(gone > 0 || errno == EINTR || errno == EAGAIN, "write");
    if (gone > 0) written += static_cast<std::size_t>(gone);
  }
  fcntl(output_, F_SETFL, flags);
}

void Process::resize(int columns) {
  const winsize size = size_of(columns);
  check(ioctl(output_, TIOCSWINSZ, &size) == 0, "ioctl");
}

void Process::close_input() {
  close_once(input_);
}
void Process::close_output() {
  close_once(output_);
}
void Process::send(int signal_number) {
  kill(child_, signal_number);
}
void Process::send_to_all(int signal_number) {
  kill(-child_, signal_number);
}

const std::string& Process::read_until(const std::string& text) {
  return read_until_(&text);
}

const std::string& Process::read_until_(const std::string* text) {
  for (;;) {
    const std::size_t found = text == nullptr ? std::string::npos : read_.find(*text, seen_);
    if (found != std::string::npos) {
      seen_ = found + text->size();
      return read_;
    }
    if (read_some(output_, read_)) continue;
    if (text == nullptr) return read_;
    throw std::runtime_error("waited for \"" + *text + "\", got \"" + read_ + "\"");
  }
}

std::string Process::read_errors() {
  std::string text;
  while (read_some(errors_, text)) {
  }
  return text;
}

int Process::wait() {
  if (child_ > 0) code_ = wait_for(child_);
  child_ = -1;
  if (code_ == 128 + SIGALRM) throw std::runtime_error("ran too long; wrote \"" + read_ + "\"");
  return code_;
}

}  // namespace xlstm::testing
