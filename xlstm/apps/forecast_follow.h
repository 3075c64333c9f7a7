// A series that goes on: a line in, an updated forecast out.
#pragma once

#include "xlstm/apps/forecast_options.h"
#include "xlstm/engine/forecaster.h"

namespace xlstm::apps {

// Reads to the end, or to an interrupt; --state is saved then and also where a line is wrong, and
// holds what came before. Returns an exit code.
int follow_rows(const Forecaster& forecaster, const ForecastArguments& options);

}  // namespace xlstm::apps
