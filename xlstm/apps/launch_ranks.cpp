#include "xlstm/apps/launch_ranks.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"
#include "xlstm/base/program.h"
#include "xlstm/base/system.h"
#include "xlstm/group/rendezvous.h"

namespace xlstm::apps {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kToNotice{3};  // rank 0, that another is gone
constexpr std::chrono::seconds kToEnd{1};     // a rank, when it is told to
constexpr std::chrono::milliseconds kLookAgain{5};

// A folder of our own, gone with this.
class MeetingPlace {
 public:
  MeetingPlace() {
    std::string name = (shared_memory_folder() / "xlstm-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail_system(name, "create", errno);
    folder_ = name;
  }
  ~MeetingPlace() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  MeetingPlace(const MeetingPlace&) = delete;
  MeetingPlace& operator=(const MeetingPlace&) = delete;
  fs::path file() const { return folder_ / "ranks"; }

 private:
  fs::path folder_;
};

struct Process {
  pid_t id = -1;
  std::optional<int> status = {};  // as waitpid() has it; none: it runs
};

class Ranks {
 public:
  Ranks(const std::vector<char*>& arguments, int size)
      : arguments_(arguments), processes_(static_cast<std::size_t>(size)) {
    for (std::size_t rank = 0; rank < processes_.size(); ++rank) start(rank);
  }
  ~Ranks() {
    for (Process& each : processes_) {
      if (each.id > 0 && !each.status) ::kill(each.id, SIGKILL);
    }
    while (any_runs()) look();
  }
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  int wait() {
    std::optional<Clock::time_point> deadline;
    while (!processes_.front().status) {
      if (interrupted()) pass_on();
      if (look()) {
        if (!deadline && bad_one()) deadline = Clock::now() + kToNotice;
        continue;
      }
      if (deadline && Clock::now() > *deadline) return end_by(*bad_one());
      std::this_thread::sleep_for(kLookAgain);
    }
    const auto end = Clock::now() + kToEnd;
    while (any_runs() && Clock::now() < end) {
      if (!look()) std::this_thread::sleep_for(kLookAgain);
    }
    tell_if_killed(0);
    return code_of(*processes_.front().status);
  }

 private:
  void start(std::size_t rank) {
    const pid_t parent = ::getpid();
    Process& process = processes_[rank];
    process.id = ::fork();
    if (process.id < 0) {
      fail(ErrorKind::kMemory, "devices",
           str("cannot start rank ", rank, ": ", std::generic_category().message(errno)));
    }
    if (process.id > 0) return;
    end_with_parent();
    hold_back_passed_on_interrupts();
    if (::getppid() != parent) ::_exit(kExitOther);
    ::setenv("XLSTM_RANK", std::to_string(rank).c_str(), 1);
    ::setenv("XLSTM_RANKS", std::to_string(processes_.size()).c_str(), 1);
    ::setenv("XLSTM_RENDEZVOUS", place_.file().c_str(), 1);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      if (rank > 0) ::signal(number, SIG_IGN);  // rank 0 decides
    }
    ::execv(program_.c_str(), arguments_.data());
    write_note(str("xlstm: [", program_, "] cannot be run: ", std::strerror(errno), "\n"));
    ::_exit(kExitOther);
  }

  // Takes the end of one that has ended; false where none has.
  bool look() {
    int status = 0;
    const pid_t ended = ::waitpid(-1, &status, WNOHANG);
    for (Process& each : processes_) {
      if (each.id == ended) each.status = status;
    }
    return ended > 0;
  }

  bool any_runs() const {
    return std::ranges::any_of(processes_,
                               [](const Process& each) { return each.id > 0 && !each.status; });
  }

  // A rank, not the first, that has ended and not well.
  std::optional<std::size_t> bad_one() const {
    for (std::size_t rank = 1; rank < processes_.size(); ++rank) {
      if (processes_[rank].status && *processes_[rank].status != 0) return rank;
    }
    return std::nullopt;
  }

  static int code_of(int status) {
    constexpr int kOfSignals = 128;
    return WIFEXITED(status) ? WEXITSTATUS(status) : kOfSignals + WTERMSIG(status);
  }

  // A terminal's Ctrl-C rank 0 has got itself; a second signal of the same kind would end it at
  // once.
  void pass_on() {
    const bool term = termination_requested();
    if (!passed_on_) ::kill(processes_.front().id, term ? SIGUSR2 : SIGUSR1);
    passed_on_ = true;
  }

  // Rank 0 waits for what never comes.
  int end_by(std::size_t bad) {
    const int status = *processes_[bad].status;
    Process& first = processes_.front();
    // The second ends it at once, the terminal as it was found.
    for (int i = 0; i < 2; ++i) ::kill(first.id, SIGTERM);
    const auto end = Clock::now() + kToEnd;
    while (!first.status && Clock::now() < end) {
      if (!look()) std::this_thread::sleep_for(kLookAgain);
    }
    tell_if_killed(bad);
    return WIFEXITED(status) ? code_of(status) : kExitOther;
  }

  // One that ended by itself has said why; and who interrupts knows.
  void tell_if_killed(std::size_t rank) const {
    const int status = *processes_[rank].status;
    if (WIFEXITED(status) || (rank == 0 && interrupted())) return;
    const int number = WTERMSIG(status);
    if (number == SIGINT || number == SIGTERM || number == SIGHUP) return;
    write_note(str("xlstm: [rank ", rank, " of ", processes_.size(),
                   "] wanted to run to the end, got signal ", number, " (", ::strsignal(number),
                   ")\n"));
  }

  const MeetingPlace place_;
  const std::string program_ = program_file().string();
  std::vector<char*> arguments_;
  std::vector<Process> processes_;
  bool passed_on_ = false;
};

}  // namespace

int launch_ranks(int argc, const char* const* argv, int size) {
  std::vector<char*> arguments;
  for (int i = 0; i < argc; ++i) arguments.push_back(const_cast<char*>(argv[i]));
  arguments.push_back(nullptr);
  note_programs_interrupts();
  return Ranks(arguments, size).wait();
}

}  // namespace xlstm::apps
