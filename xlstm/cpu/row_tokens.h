// Which of a call's tokens belong to which row of its batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "xlstm/cpu/state_batch.h"

namespace xlstm::cpu {

struct RowTokens {
  std::size_t first, count;
};

// Of T tokens, those of a row after each other, as states.lengths() say. Throws Error(kInternal)
// where they do not fit.
std::vector<RowTokens> row_tokens(std::string_view op, const CpuStates& states, std::int64_t T);

}  // namespace xlstm::cpu
