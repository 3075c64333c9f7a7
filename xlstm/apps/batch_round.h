// What ranks that run xlstm batch together are told between two steps: which lines join, and
// whether they go on. All that depends on time, on readers and on writers is in it.
#pragma once

#include <vector>

#include "xlstm/apps/batch_input.h"
#include "xlstm/group/group.h"

namespace xlstm::apps {

struct BatchRound {
  std::vector<BatchLine> lines;  // that begin now
  bool ended = false;            // no others follow
  bool goes_on = true;           // false: interrupted, or nobody reads the answers
};

// Rank 0's, on every rank, in one meeting (two where there are lines); without a group, `own`.
BatchRound agreed(Group* group, BatchRound own);

}  // namespace xlstm::apps
