// What a file of series says: values over time, with the names that it has for them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "xlstm/series/timeline.h"

namespace xlstm {

struct NamedValues {
  std::string name;           // "" where the file has none
  std::vector<float> values;  // NaN: missing
};

// What is forecast together. Targets and past covariates have T values each; known covariates T and
// as many of the future as the file has.
struct TimedSeries {
  std::string where;  // for messages: "sales.csv", "sales.csv, id "north""
  std::string id;     // "" where the file has none
  std::vector<NamedValues> targets, past, known;
  std::optional<Timeline> times;  // of the values, the first at index 0

  std::size_t length() const { return targets.front().values.size(); }  // T
};

// The NaN of values that are missing or not read yet.
bool all_missing(const std::vector<float>& values);

}  // namespace xlstm
