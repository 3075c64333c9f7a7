#include "xlstm/apps/interrupts.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/select.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "xlstm/apps/exit_code.h"

namespace xlstm::apps {
namespace {

std::atomic<int> g_signal{0};  // the one that interrupted; 0: none
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

// A signal between a look at g_signal and a wait would be slept over. So each also writes a byte
// here, which the wait sees.
std::array<int, 2> g_wake = {-1, -1};

// How the terminal was when we came.
termios g_terminal = {};
bool g_have_terminal = false;

// Only where the terminal is ours: from the background this would stop us or disturb others.
void restore_terminal() {
  if (g_have_terminal && tcgetpgrp(STDIN_FILENO) == getpgrp()) {
    tcsetattr(STDIN_FILENO, TCSANOW, &g_terminal);
  }
}

void on_signal(int number) {
  const int error_number = errno;
  int none = 0;
  if (g_signal.compare_exchange_strong(none, number)) {
    // A full pipe wakes just as well.
    [[maybe_unused]] const ssize_t written = write(g_wake[1], "", 1);
  } else {
    restore_terminal();
    signal(number, SIG_DFL);
    raise(number);
  }
  errno = error_number;
}

void make_wake_pipe() {
  if (pipe(g_wake.data()) != 0) g_wake = {-1, -1};
  for (const int end : g_wake) {
    fcntl(end, F_SETFD, FD_CLOEXEC);
    fcntl(end, F_SETFL, O_NONBLOCK);
  }
}

void drain_wake_pipe() {
  std::array<char, 64> bytes;
  while (read(g_wake[0], bytes.data(), bytes.size()) > 0) {
  }
}

void catch_signal(int number) {
  struct sigaction action = {};
  if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);  // without SA_RESTART: calls that wait must return
}

enum class Direction { kRead, kWrite };
enum class Selected { kDescriptor, kNothing, kError };

// One look at `descriptor` and the wake pipe, which it drains; without `most_time` it waits.
// select(), not poll(), which does not work on terminals everywhere.
Selected select_on(int descriptor, Direction direction, timeval* most_time) {
  if (std::max(descriptor, g_wake[0]) >= FD_SETSIZE || descriptor < 0) return Selected::kError;
  fd_set to_read, to_write;
  FD_ZERO(&to_read);
  FD_ZERO(&to_write);
  fd_set& wanted = direction == Direction::kRead ? to_read : to_write;
  FD_SET(descriptor, &wanted);
  if (g_wake[0] >= 0) FD_SET(g_wake[0], &to_read);
  const int most = std::max(descriptor, g_wake[0]) + 1;
  const int ready = select(most, &to_read, &to_write, nullptr, most_time);
  if (ready < 0 && errno != EINTR) return Selected::kError;
  if (ready <= 0) return Selected::kNothing;
  const bool found = FD_ISSET(descriptor, &wanted);
  if (!interrupted() && g_wake[0] >= 0 && FD_ISSET(g_wake[0], &to_read)) drain_wake_pipe();
  return found ? Selected::kDescriptor : Selected::kNothing;
}

// False: interrupted, be it before the wait.
bool wait_for(int descriptor, Direction direction) {
  while (!interrupted()) {
    const Selected selected = select_on(descriptor, direction, nullptr);
    if (selected == Selected::kError) return true;  // read() or write() will say what is wrong
    if (selected == Selected::kDescriptor && !interrupted()) return true;
  }
  return false;
}

}  // namespace

void catch_interrupts() {
  g_have_terminal = tcgetattr(STDIN_FILENO, &g_terminal) == 0;
  if (g_wake[0] < 0) make_wake_pipe();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) catch_signal(number);
}

bool interrupted() {
  return g_signal != 0;
}
bool told_to_end() {
  return interrupted() && g_signal != SIGINT;
}

void clear_interrupt() {
  int number = SIGINT;
  g_signal.compare_exchange_strong(number, 0);
  // After the mark is gone, so that a signal in between leaves its mark for wait_readable().
  if (!interrupted()) drain_wake_pipe();
}

int interrupt_exit_code() {
  constexpr int kOfSignals = 128;
  return kOfSignals + g_signal;
}

void leave_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

bool wait_readable(int descriptor) {
  return wait_for(descriptor, Direction::kRead);
}

bool wait_writable(int descriptor) {
  if (wait_for(descriptor, Direction::kWrite)) return true;
  timeval now = {0, 0};
  return select_on(descriptor, Direction::kWrite, &now) != Selected::kNothing;
}

}  // namespace xlstm::apps
