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

std::atomic<int> g_signal{0};               // the one that interrupted; 0: none
std::atomic<bool> g_exit_on_signal{false};  // exit_on_interrupts()
static_assert(std::atomic<int>::is_always_lock_free, "used in a signal handler");

// The self-pipe trick: a signal that arrives between a test of g_signal and the wait that follows
// would not end that wait. So each also writes a byte here, for which the wait selects, too.
std::array<int, 2> g_wake = {-1, -1};

void on_signal(int number) {
  const int error_number = errno;
  int none = 0;
  // Passed on by the process that started this one, once: never the second signal.
  const bool passed_on = number == SIGUSR1 || number == SIGUSR2;
  if (passed_on) number = number == SIGUSR1 ? SIGINT : SIGTERM;
  const bool is_first = !g_exit_on_signal && g_signal.compare_exchange_strong(none, number);
  if (is_first || (passed_on && !g_exit_on_signal)) {
    wake_waiting();
  } else {
    restore_terminal();
    signal(number, SIG_DFL);
    raise(number);
  }
  errno = error_number;
}

// Only what a program sent, not what a terminal did.
void on_signal_of_others(int number, siginfo_t* facts, void*) {
  int none = 0;
  if (facts->si_code == SI_USER || facts->si_code <= 0) {
    g_signal.compare_exchange_strong(none, number);
  }
}

sigset_t passed_on_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  return set;
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
  // Where both are there a process's own is the first, and what was passed on no second one: a
  // handler that may be interrupted would run last.
  if (number != SIGUSR1 && number != SIGUSR2) action.sa_mask = passed_on_signals();
  sigaction(number, &action, nullptr);  // without SA_RESTART: calls that wait must return
}

enum class Direction { kRead, kWrite };

// One select() of `descriptor` and the wake pipe, which it drains; without `limit` it waits.
// Not poll(), which does not work on terminals everywhere.
Wait select_once(int descriptor, Direction direction, timeval* limit) {
  // read() or write() will say what is wrong.
  if (std::max(descriptor, g_wake[0]) >= FD_SETSIZE || descriptor < 0) return Wait::kReady;
  fd_set to_read, to_write;
  FD_ZERO(&to_read);
  FD_ZERO(&to_write);
  fd_set& wanted = direction == Direction::kRead ? to_read : to_write;
  FD_SET(descriptor, &wanted);
  if (g_wake[0] >= 0) FD_SET(g_wake[0], &to_read);
  const int most = std::max(descriptor, g_wake[0]) + 1;
  const int ready = select(most, &to_read, &to_write, nullptr, limit);
  if (ready < 0) return errno == EINTR ? Wait::kInterrupted : Wait::kReady;
  if (ready == 0) return Wait::kTimeout;
  if (g_wake[0] >= 0 && FD_ISSET(g_wake[0], &to_read) && !interrupted()) {
    drain_wake_pipe();
    return Wait::kWoken;
  }
  return FD_ISSET(descriptor, &wanted) ? Wait::kReady : Wait::kInterrupted;
}

Wait wait_on(int descriptor, Direction direction, int milliseconds) {
  while (!interrupted()) {
    timeval limit = {milliseconds / 1000, static_cast<suseconds_t>(milliseconds % 1000 * 1000)};
    const Wait wait =
        select_once(descriptor, direction, milliseconds == kForever ? nullptr : &limit);
    if (wait != Wait::kInterrupted && !interrupted()) return wait;  // else: another signal
  }
  return Wait::kInterrupted;
}

// False: interrupted. Who was woken meanwhile is woken at the next wait_for().
bool wait_until_ready(int descriptor, Direction direction) {
  for (bool woken = false;;) {
    const Wait wait = wait_on(descriptor, direction, kForever);
    woken = woken || wait == Wait::kWoken;
    if (wait != Wait::kReady && wait != Wait::kInterrupted) continue;
    if (woken) wake_waiting();
    return wait == Wait::kReady;
  }
}

}  // namespace

void catch_interrupts() {
  remember_terminal();
  if (g_wake[0] < 0) make_wake_pipe();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) catch_signal(number);
}

void hold_back_passed_on_interrupts() {
  const sigset_t set = passed_on_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

void hear_passed_on_interrupts() {
  for (const int number : {SIGUSR1, SIGUSR2}) catch_signal(number);
  const sigset_t set = passed_on_signals();
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void follow_interrupts() {
  for (const int number : {SIGINT, SIGHUP}) signal(number, SIG_IGN);
  struct sigaction action = {};
  if (sigaction(SIGTERM, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) {
    signal(SIGTERM, SIG_DFL);
  }
}

void note_programs_interrupts() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action = {};
    if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_sigaction = on_signal_of_others;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
}

void exit_on_interrupts() {
  g_exit_on_signal = true;
  // One that came just before has only set the flag.
  if (interrupted()) raise(g_signal);
}

bool interrupted() {
  return g_signal != 0;
}
bool termination_requested() {
  return interrupted() && g_signal != SIGINT;
}

void clear_interrupt() {
  int number = SIGINT;
  g_signal.compare_exchange_strong(number, 0);
  // After the flag is cleared, so that the byte of a signal in between stays for the next wait.
  if (!interrupted()) drain_wake_pipe();
}

int interrupt_exit_code() {
  constexpr int kOfSignals = 128;
  return kOfSignals + g_signal;
}

void throw_if_interrupted() {
  if (interrupted()) throw Interrupted();
}

void wake_waiting() {
  const int error_number = errno;
  // A full pipe wakes just as well.
  [[maybe_unused]] const ssize_t written = write(g_wake[1], "", 1);
  errno = error_number;
}

Wait wait_for(int descriptor, int milliseconds) {
  return wait_on(descriptor, Direction::kRead, milliseconds);
}

bool wait_readable(int descriptor) {
  return wait_until_ready(descriptor, Direction::kRead);
}

bool wait_writable(int descriptor) {
  if (wait_until_ready(descriptor, Direction::kWrite)) return true;
  timeval now = {0, 0};
  return select_once(descriptor, Direction::kWrite, &now) == Wait::kReady;
}

}  // namespace xlstm::apps
