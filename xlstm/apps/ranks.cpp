#include "xlstm/apps/ranks.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "xlstm/apps/descriptors.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/interrupts.h"

namespace xlstm::apps {
namespace {

// The process is one rank of one group, from its start to its end.
bool g_follows = false;
std::shared_ptr<Group> g_group;

constexpr std::chrono::seconds kToTell{1};
constexpr std::chrono::milliseconds kLookAgain{10};

bool rank_0_has_ended() {
  for (auto waited = std::chrono::milliseconds::zero(); waited < kToTell; waited += kLookAgain) {
    if (g_group->has_left(0)) return true;
    std::this_thread::sleep_for(kLookAgain);
  }
  return false;
}

}  // namespace

void become_rank(const Rendezvous& place) {
  g_follows = place.rank > 0;
  if (!g_follows) return;
  follow_interrupts();
  // Rank 0 has what was typed, and libraries are to be as silent as we are.
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing < 0) return;
  dup2(nothing, STDIN_FILENO);
  dup2(nothing, STDOUT_FILENO);
  close(nothing);
}

void join_ranks(const Rendezvous& place) {
  g_group = Group::join(place);
}

void leave_ranks() noexcept {
  if (g_group != nullptr) g_group->leave();
}

const std::shared_ptr<Group>& this_group() {
  return g_group;
}

bool leads() {
  return !g_follows;
}

bool agreed(bool own) {
  return xlstm::agreed(g_group.get(), own);
}

std::string agreed(const std::string& own) {
  return g_group == nullptr ? own : g_group->broadcast(own);
}

int end_of_follower(const std::exception& error) {
  const auto* ours = dynamic_cast<const Error*>(&error);
  const int code = ours != nullptr ? exit_code_of(ours->kind()) : kExitOther;
  std::string where = "a rank";
  if (g_group != nullptr) {
    if (g_group->has_left(0)) return kExitOk;
    g_group->fail(error);
    if (rank_0_has_ended()) return code;
    where = g_group->name();
  }
  write_whole(STDERR_FILENO, str("xlstm: [", where, "] ", error.what(), "\n"));
  return code;
}

}  // namespace xlstm::apps
