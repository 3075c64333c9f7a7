// Work of one rank that may fail while the others wait for it at their next meeting, and how what
// they share ends.
#pragma once

#include <chrono>
#include <exception>

#include "xlstm/group/group.h"

namespace xlstm {

// What run() returns. Where it throws, the others are told, and it throws on. Without a group it
// is run() alone.
template <typename Run>
auto told_to_others(Group* group, const Run& run) {
  try {
    return run();
  } catch (const std::exception& error) {
    if (group != nullptr) group->fail(error);
    throw;
  } catch (...) {
    if (group != nullptr) group->leave();
    throw;
  }
}

// What rank 0 answers; without a group, what ask() does. Where asking throws, the others are told.
template <typename Ask>
bool agreed_answer(Group* group, const Ask& ask) {
  return told_to_others(group, [&] { return agreed(group, static_cast<bool>(ask())); });
}

// Of what ends with this rank: false where it ends by an error, or another has failed or ended.
inline bool ends_well(const Group& group) {
  return std::uncaught_exceptions() == 0 && !group.is_broken();
}

// Whether all ranks end so within a while: then what the others use of this one's may go.
inline bool all_end_well(Group& group) {
  constexpr std::chrono::seconds kForOthers{2};
  return ends_well(group) && group.meets_within(kForOthers);
}

}  // namespace xlstm
