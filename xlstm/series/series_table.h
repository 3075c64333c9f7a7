// A table -> series: which column is what, rows in their order in time, gaps as missing values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/series/timed_series.h"

namespace xlstm {

// Columns are named as the first row names them, or by their number from 1.
struct TableOptions {
  std::optional<char> separator = {};     // none: found
  std::optional<bool> header = {};        // whether the first row holds names; none: found
  std::string time = {};                  // "": found, where there is one; "none": there is none
  std::string id = {};                    // the column that says whose row it is; "": one's alone
  std::vector<std::string> columns = {};  // the targets; none: all that are not named otherwise
  std::vector<std::string> past = {};     // covariates
  std::vector<std::string> known = {};    // covariates that go on behind the targets' last value
  bool multivariate = false;              // columns are the targets of one series, else of many
};

// `where` names the table in messages. Series come in the order of their first rows, then of their
// columns, but for columns of times that nothing names. With known covariates, rows behind a
// series' last target are its future. Throws Error: kUsage for columns that are not there or not to
// be told apart, kFormat for a cell that is no number (with row and column), for times as
// place_times() does, as parse_csv() does, and for a table without rows.
std::vector<TimedSeries> read_series_table(std::string_view text, const TableOptions& options,
                                           const std::string& where);

}  // namespace xlstm
