// Samples that go through the network together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/forecast/tirex2/rows.h"
#include "xlstm/model/tirex2/row_batch.h"

namespace xlstm::tirex2 {

struct SampleBatch {
  RowBatch rows;
  std::vector<const Row*> order;  // [R]: of the samples

  // As the network wants its rows, in the order of the samples where nothing else is said. They
  // compute as many tokens; `samples` must outlive this.
  explicit SampleBatch(std::span<const Sample* const> samples);

  std::vector<float> tokens(const SeriesSpec& spec) const;  // [R * S, 2 * P]
};

}  // namespace xlstm::tirex2
