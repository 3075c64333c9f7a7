// The rows of series that go through a TiRex-2 network together.
#pragma once

#include <cstdint>

#include "xlstm/backend/backend.h"

namespace xlstm::tirex2 {

// R rows of S tokens each; x [R * S, D] holds one row after the other. First come those whose
// future is known, then other covariates, then targets, those that are alone in their sample last:
// so that each kind lies together.
struct RowBatch {
  std::int64_t R = 0, S = 0;
  std::int64_t known = 0;    // rows that are also read backwards: the first so many
  std::int64_t mixed = 0;    // rows of samples of two or more rows: the first so many
  std::int64_t targets = 0;  // the last so many
  RowAttentionSpec groups;   // of the mixed rows; NA and norm are the layers' own
};

// Rows [begin, end) of x.
inline Tensor rows_of(Backend& b, const Tensor& x, const RowBatch& rows, std::int64_t begin,
                      std::int64_t end) {
  return b.tokens(x, 1, begin * rows.S, end * rows.S);
}

}  // namespace xlstm::tirex2
