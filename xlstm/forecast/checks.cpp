#include "xlstm/forecast/checks.h"

#include <algorithm>
#include <cmath>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

template <typename Number>
void check_range(std::string_view option, Number value, Number least, Number most) {
  if (value >= least && value <= most) return;
  fail_wanted(ErrorKind::kUsage, option, str("a number from ", least, " to ", most), str(value));
}

void check_levels(const std::vector<float>& levels) {
  for (std::size_t q = 0; q < levels.size(); ++q) {
    if (!(levels[q] > 0 && levels[q] < 1)) {
      fail_wanted(ErrorKind::kUsage, "quantiles", "levels between 0 and 1", str(levels[q]));
    }
    if (q > 0 && levels[q] <= levels[q - 1]) {
      fail_wanted(ErrorKind::kUsage, "quantiles", "levels that rise",
                  str(levels[q], " behind ", levels[q - 1]));
    }
  }
}

// Row `index` of a kind ("target", "past covariate").
std::string row_name(const std::string& where, std::string_view kind, std::size_t index) {
  return str(where, ", ", kind, " ", index + 1);
}

void check_lengths(std::span<const Values> rows, std::string_view kind, std::size_t length,
                   const std::string& where) {
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].size() == length) continue;
    fail_wanted(ErrorKind::kUsage, row_name(where, kind, r),
                str(length, " values, as the first target has"), str(rows[r].size()));
  }
}

void check_values(std::span<const Values> rows, std::string_view kind, const std::string& where) {
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t t = 0; t < rows[r].size(); ++t) {
      if (!std::isinf(rows[r][t])) continue;
      fail_wanted(ErrorKind::kUsage, row_name(where, kind, r),
                  "finite values, or NaN for missing ones", str(rows[r][t], " as value ", t + 1));
    }
  }
}

// Of how many rows a series may be of each kind.
void check_kinds(std::size_t targets, std::size_t past, std::size_t known,
                 const ForecasterFacts& facts, const std::string& where) {
  const auto refuse = [&](const std::string& wanted, std::size_t got) {
    fail_wanted(ErrorKind::kUsage, where, wanted, str(got));
  };
  if (targets > 1 && !facts.several_targets) {
    refuse(str("one target: ", facts.name, " forecasts each series by itself"), targets);
  }
  if (past > 0 && !facts.past_covariates) {
    refuse(str("no past covariates: ", facts.name, " reads none"), past);
  }
  if (known > 0 && !facts.known_covariates) {
    refuse(str("no known covariates: ", facts.name, " reads none"), known);
  }
}

// As many of the future as the model looks at.
std::size_t steps_wanted(const ForecasterFacts& facts, const ForecastOptions& options) {
  const std::int64_t most = facts.horizon > 0 ? facts.horizon : options.horizon;
  return static_cast<std::size_t>(std::min(options.horizon, most));
}

void check_known(const Series& series, std::size_t length, std::size_t steps,
                 const std::string& where) {
  for (std::size_t r = 0; r < series.known.size(); ++r) {
    if (series.known[r].size() >= length + steps) continue;
    fail_wanted(ErrorKind::kUsage, row_name(where, "known covariate", r),
                str("at least ", length + steps, " values: ", length, " and ", steps,
                    " of the steps to forecast"),
                str(series.known[r].size()));
  }
}

}  // namespace

void check_options(const ForecastOptions& options) {
  check_range<std::int64_t>("horizon", options.horizon, 1, kMostSteps);
  check_range<std::int64_t>("accelerated_steps", options.accelerated_steps, 1, kMostSteps);
  check_range<std::size_t>("batch", options.batch, 1, std::size_t{1} << 20);
  if (options.context < 0) {
    fail_wanted(ErrorKind::kUsage, "context", "a number of values, or 0 for all",
                str(options.context));
  }
  check_levels(options.quantiles);
}

void refuse_foreign(bool is_set, std::string_view option, std::string_view family,
                    const ForecasterFacts& facts) {
  if (!is_set) return;
  fail_wanted(ErrorKind::kUsage, option,
              str("a model of the family ", family, ", whose option this is"),
              str(facts.name, " of the family ", facts.family));
}

void check_series(const Series& series, const ForecasterFacts& facts,
                  const ForecastOptions& options, const std::string& where) {
  const auto refuse = [&](std::string_view wanted, const std::string& got) {
    fail_wanted(ErrorKind::kUsage, where, wanted, got);
  };
  if (series.targets.empty()) refuse("a series with a target", "none");
  const std::size_t length = series.targets.front().size();
  if (length == 0) refuse("a series with values", "an empty one");
  check_kinds(series.targets.size(), series.past.size(), series.known.size(), facts, where);
  check_lengths(series.targets, "target", length, where);
  check_lengths(series.past, "past covariate", length, where);
  check_known(series, length, steps_wanted(facts, options), where);
  check_values(series.targets, "target", where);
  check_values(series.past, "past covariate", where);
  check_values(series.known, "known covariate", where);
}

void check_stream(std::size_t targets, std::size_t past_covariates, const ForecasterFacts& facts) {
  check_range<std::size_t>("targets", targets, 1, kMostRows);
  check_range<std::size_t>("past_covariates", past_covariates, 0, kMostRows);
  check_kinds(targets, past_covariates, 0, facts, "stream");
}

void check_cancelled(const ForecastOptions& options) {
  if (!options.cancelled || !options.cancelled()) return;
  fail(ErrorKind::kCancelled, "forecast", "cancelled");
}

void check_rows(std::span<const Values> rows, std::size_t targets, std::size_t past_covariates) {
  if (rows.size() != targets + past_covariates) {
    fail_wanted(ErrorKind::kUsage, "stream",
                str("rows of ", targets, " targets and ", past_covariates, " past covariates"),
                str(rows.size(), " rows"));
  }
  check_lengths(rows, "row", rows.front().size(), "stream");
  check_values(rows, "row", "stream");
}

}  // namespace xlstm
