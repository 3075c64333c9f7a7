// What a forecaster's blocks make of a series, as JSON.
#pragma once

#include <cstddef>

#include "xlstm/base/json_fwd.h"
#include "xlstm/engine/forecaster.h"
#include "xlstm/series/timed_series.h"

namespace xlstm::apps {

// id, target, and "embedding" [tokens][layers][width] of one of a series' targets.
Json embedding_json(const TimedSeries& series, std::size_t target,
                    const SeriesEmbedding& embedding);

}  // namespace xlstm::apps
