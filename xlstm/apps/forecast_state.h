// The file of `xlstm forecast --follow --state`: a stream, and what its rows have told.
#pragma once

#include <string>

#include "xlstm/apps/forecast_columns.h"
#include "xlstm/engine/forecaster.h"

namespace xlstm::apps {

// Safetensors as ForecastStream::save() writes them, with the rows' memory among their metadata.
struct FollowState {
  ForecastStream stream;
  RowMemory rows;  // nothing in it where a program saved the stream
};

// Throws as Forecaster::load_stream() does.
FollowState load_follow_state(const Forecaster& forecaster, const std::string& file);

// Whole or not at all. Throws Error(kFile).
void save_follow_state(const std::string& file, const ForecastStream& stream,
                       const RowMemory& rows);

}  // namespace xlstm::apps
