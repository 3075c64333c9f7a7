// Series of a text, whichever way it is written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "xlstm/series/series_table.h"
#include "xlstm/series/timed_series.h"

namespace xlstm {

// JSON where the text begins as JSON does (series_json.h), else a table (series_table.h). Throws as
// they do, and Error(kUsage) for options of tables with JSON.
std::vector<TimedSeries> read_series(std::string_view text, const TableOptions& options,
                                     const std::string& where);

}  // namespace xlstm
