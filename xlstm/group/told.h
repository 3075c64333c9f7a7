// Work of one rank that may fail while the others wait for it at their next meeting.
#pragma once

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

}  // namespace xlstm
