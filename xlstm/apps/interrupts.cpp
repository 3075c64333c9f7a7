#include "xlstm/apps/interrupts.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/terminal_mode.h"

namespace xlstm::apps {
namespace {

std::atomic<int> g_signal{0};        // the one that interrupted; 0: none
std::atomic<bool> g_at_once{false};  // end_at_interrupts()
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

// A signal between a look at g_signal and a wait would be slept over. So each also writes a byte
// here, which the wait sees.
std::array<int, 2> g_wake = {-1, -1};

void on_signal(int number) {
  const int error_number = errno;
  int none = 0;
  if (!g_at_once && g_signal.compare_exchange_strong(none, number)) {
    wake_waiting();
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

}  // namespace

void catch_interrupts() {
  remember_terminal();
  if (g_wake[0] < 0) make_wake_pipe();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) catch_signal(number);
}

void end_at_interrupts() {
  g_at_once = true;
  // One that came just before has left its mark alone.
  if (interrupted()) raise(g_signal);
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

void wake_waiting() {
  const int error_number = errno;
  // A full pipe wakes just as well.
  [[maybe_unused]] const ssize_t written = write(g_wake[1], "", 1);
  errno = error_number;
}

Wait wait_for(int descriptor, int milliseconds) {
  while (!interrupted()) {
    // select(), not poll(), which does not work on terminals everywhere.
    if (std::max(descriptor, g_wake[0]) >= FD_SETSIZE || descriptor < 0) return Wait::kReadable;
    fd_set wanted;
    FD_ZERO(&wanted);
    FD_SET(descriptor, &wanted);
    if (g_wake[0] >= 0) FD_SET(g_wake[0], &wanted);
    const int most = std::max(descriptor, g_wake[0]) + 1;
    timeval limit = {milliseconds / 1000, static_cast<suseconds_t>(milliseconds % 1000 * 1000)};
    const int ready =
        select(most, &wanted, nullptr, nullptr, milliseconds == kForever ? nullptr : &limit);
    if (ready < 0 && errno != EINTR) return Wait::kReadable;  // read() will say why
    if (ready < 0 || interrupted()) continue;
    if (ready == 0) return Wait::kTimeout;
    if (g_wake[0] >= 0 && FD_ISSET(g_wake[0], &wanted)) {
      drain_wake_pipe();
      if (!interrupted()) return Wait::kWoken;
    } else if (FD_ISSET(descriptor, &wanted)) {
      return Wait::kReadable;
    }
  }
  return Wait::kInterrupted;
}

bool wait_readable(int descriptor) {
  for (;;) {
    const Wait wait = wait_for(descriptor, kForever);
    if (wait == Wait::kReadable || wait == Wait::kInterrupted) return wait == Wait::kReadable;
  }
}

}  // namespace xlstm::apps
