// Work of which each rank does its own, and which may fail on some: then it has failed on all, and
// they stay together.
#pragma once

#include <functional>

#include "xlstm/group/group.h"

namespace xlstm {

// Runs `work`, which meets no other rank. Where it throws on any, all throw an Error: that of the
// lowest such rank, with "rank 1 of 2" in front where it is not rank 0's. Without a group it is
// work() alone.
void together(Group* group, const std::function<void()>& work);

}  // namespace xlstm
