// Series as the rows that the network reads: one for each target and covariate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/base/ceil_div.h"
#include "xlstm/forecast/series.h"
#include "xlstm/forecast/tirex2/scaler.h"
#include "xlstm/wiring/families/tirex2/tirex2.h"

namespace xlstm::tirex2 {

// Patches that hold so many values, the last of them perhaps in part.
constexpr std::int64_t patches_of(std::int64_t values, std::int64_t P) {
  return ceil_div(values, P);
}

// Tokens that stand for a row of which `position` values were read, `waiting` of them in no whole
// patch yet: that many patches, as if all were read from the first on.
constexpr std::uint64_t tokens_of(std::uint64_t position, std::uint64_t waiting, std::int64_t P) {
  const std::uint64_t whole = position - waiting, patch = static_cast<std::uint64_t>(P);
  return whole / patch + (whole % patch != 0 ? 1 : 0);
}

struct RowOptions {
  std::int64_t H = 0;  // steps, at most the model's
  bool pad_context = true;
  bool difference_trends = true;
  bool negate = false;  // all values
};

struct Row {
  Values values;  // [columns]: what was read and `future` steps, NaN where nothing is known
  RowScale scale;
  bool is_target = false;
  bool is_known = false;       // a covariate with a value in its future
  bool is_difference = false;  // a target with a trend
  float last = 0;              // of a target: its last value
};

// The rows of one series: targets, past covariates, known covariates.
struct Sample {
  std::vector<Row> rows;
  std::int64_t tokens = 0;    // of each row
  std::int64_t first = 0;     // the token that answers for the first patch of the future
  std::int64_t computed = 0;  // tokens that results depend on: the first so many

  bool any_known() const;
};

// Missing values fill up the left where the model's context is longer than the series and
// `pad_context` is set; of a longer one the newest values are kept.
Sample sample_of(const Series& series, const SeriesSpec& spec, const RowOptions& options);

// Of one row: scaled values, 0 for missing ones, and a 1 for each that is not, P and P a token.
// Appends the first `count` tokens, [count, 2 * P]; missing values fill up the first one.
void append_tokens(const Row& row, const SeriesSpec& spec, std::int64_t count,
                   std::vector<float>& out);

}  // namespace xlstm::tirex2
