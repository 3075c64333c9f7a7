#include "xlstm/apps/forecast_input.h"

#include <algorithm>

#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"
#include "xlstm/series/read_series.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;  // of a file

void refuse_covariates(const TimedSeries& series, const std::vector<NamedValues>& covariates,
                       std::string_view kind, const ForecasterFacts& facts, bool taken) {
  if (taken || covariates.empty()) return;
  fail_wanted(ErrorKind::kUsage, name_of(series, covariates.front()),
              str("no ", kind, " covariate: ", facts.name, " reads none"), "one");
}

void check_known(const TimedSeries& series, std::size_t steps) {
  for (const NamedValues& known : series.known) {
    const std::size_t ahead = known.values.size() - std::min(known.values.size(), series.length());
    if (ahead >= steps) continue;
    fail_wanted(ErrorKind::kUsage, name_of(series, known),
                str(steps, " rows of the future, behind the last value of what is forecast"),
                str(ahead, ": ", steps - ahead, " are missing"));
  }
}

}  // namespace

std::string name_of(const TimedSeries& series, const NamedValues& values) {
  return values.name.empty() ? series.where : str(series.where, ", column ", quoted(values.name));
}

std::vector<TimedSeries> read_inputs(const ForecastArguments& options) {
  std::vector<TimedSeries> out;
  for (const std::string& file : options.files) {
    const std::string name = source_name(file);
    for (TimedSeries& series : read_series(read_all(file, kMostBytes), options.table, name)) {
      if (options.files.size() > 1) series.id = series.id.empty() ? name : name + "/" + series.id;
      out.push_back(std::move(series));
    }
  }
  return out;
}

void check_fits(const TimedSeries& series, const ForecasterFacts& facts, std::int64_t horizon) {
  if (series.length() == 0) {
    fail_wanted(ErrorKind::kUsage, series.where, "a series with values", "an empty one");
  }
  if (series.targets.size() > 1 && !facts.several_targets) {
    fail_wanted(ErrorKind::kUsage, series.where,
                str("one target a series: ", facts.name, " forecasts each by itself"),
                str(series.targets.size()));
  }
  refuse_covariates(series, series.past, "past", facts, facts.past_covariates);
  refuse_covariates(series, series.known, "known", facts, facts.known_covariates);
  if (std::ranges::all_of(series.targets,
                          [](const NamedValues& each) { return all_missing(each.values); })) {
    fail_wanted(ErrorKind::kUsage, name_of(series, series.targets.front()),
                "a value that is not missing", str("none in ", series.length(), " rows"));
  }
  const std::int64_t most = facts.horizon > 0 ? std::min(facts.horizon, horizon) : horizon;
  check_known(series, static_cast<std::size_t>(most));
  const auto last = static_cast<std::int64_t>(series.length()) + most - 1;
  if (series.times && !series.times->reaches(last)) {
    fail_wanted(ErrorKind::kUsage, series.where, "times that end before the year 9998",
                str(most, " steps behind ", series.times->text(last - most)));
  }
}

Series series_of(const TimedSeries& series) {
  Series out;
  for (const NamedValues& each : series.targets) out.targets.push_back(each.values);
  for (const NamedValues& each : series.past) out.past.push_back(each.values);
  for (const NamedValues& each : series.known) out.known.push_back(each.values);
  return out;
}

}  // namespace xlstm::apps
