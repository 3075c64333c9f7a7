// JSON -> series.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/json_fwd.h"
#include "xlstm/series/timed_series.h"

namespace xlstm {

// One value a line, or one for the whole text. A value is an array of numbers, or an object with
//   target   an array of numbers (null: missing), or an array of such: several targets of one
//   series past, known   arrays of arrays, or objects of named arrays: covariates id       a text,
//   or a number start    the time of the first value, as a table would write it; step: "month", "15
//   minutes",
//            "D", or a number where start is one; else as start's form says
// The whole text may also be an array of such objects. Throws Error(kFormat) that names the line,
// for all else.
std::vector<TimedSeries> read_series_json(std::string_view text, const std::string& where);

// One such value.
TimedSeries series_of_json(const Json& json, const std::string& where);

}  // namespace xlstm
