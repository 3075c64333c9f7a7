// What a model has read where a series has not begun yet: tokens of missing values alone, which
// leave the same state whatever follows. Kept, so that short series cost what they are long.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "xlstm/backend/state.h"
#include "xlstm/model/series_model.h"

namespace xlstm::tirex {

// For who holds the model's backend alone.
class PaddingStates {
 public:
  // States of `rows` series behind so many tokens of `width` zeros each.
  std::unique_ptr<StateBatch> behind(const SeriesModel& model, std::int64_t tokens,
                                     std::int64_t width, std::size_t rows);

 private:
  std::map<std::int64_t, State> states_;  // by tokens
};

}  // namespace xlstm::tirex
