#include "xlstm/apps/forecast_follow.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/forecast_columns.h"
#include "xlstm/apps/forecast_errors.h"
#include "xlstm/apps/forecast_state.h"
#include "xlstm/apps/forecast_writers.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/line_reader.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kMostLine = 1 << 20;  // bytes

class Follower {
 public:
  Follower(const Forecaster& forecaster, const ForecastArguments& options)
      : forecaster_(forecaster),
        options_(options),
        file_(options.files.front()),
        rows_(options.table, source_name(file_)),
        csv_(options.format == "csv") {
    if (options_.state.empty()) return;
    Session::check_can_save(options_.state);
    if (!std::filesystem::exists(options_.state)) return;
    FollowState state = load_follow_state(forecaster_, options_.state);
    stream_ = std::move(state.stream);
    rows_ = RowReader(options.table, source_name(file_), std::move(state.rows));
    any_ = true;
  }

  // False: nobody reads the answers any more.
  bool run() {
    LineReader lines(file_, kMostLine);
    std::string line;
    while (lines.next(line) == NextLine::kLine) {
      if (line.size() > kMostLine) {
        fail_wanted(ErrorKind::kFormat, source_name(file_),
                    str("lines of at most ", kMostLine, " bytes"), "a longer one");
      }
      if (!take(line)) return false;
    }
    note_skipped();
    return true;
  }

  void save() const {
    if (stream_ && !options_.state.empty() && stream_->position() > 0) {
      save_follow_state(options_.state, *stream_, rows_.memory());
    }
  }

 private:
  bool take(const std::string& line) {
    const std::vector<Values> rows = rows_.read(line);
    if (rows.empty()) return true;
    note_skipped();
    begin_stream();
    stream_->append(rows);
    rows_.keep();
    const auto targets = rows.begin() + static_cast<std::ptrdiff_t>(rows_.targets());
    any_ = any_ || std::any_of(rows.begin(), targets,
                               [](const Values& row) { return !std::isnan(row.back()); });
    if (!any_) return true;  // nothing to forecast from
    check_times();
    write_out(text_of(forecast()));
    return flush_out();
  }

  std::vector<Forecast> forecast() const {
    try {
      return stream_->forecast(options_.forecast);
    } catch (const Error& error) {
      const std::string name = rows_.line_name();
      throw in_terms_of_command(error, std::span(&name, 1));
    }
  }

  void check_times() const {
    const auto& times = rows_.series().times;
    if (!times || times->reaches(options_.forecast.horizon - 1)) return;
    fail_wanted(ErrorKind::kUsage, rows_.line_name(), "times that end before the year 9998",
                str(options_.forecast.horizon, " steps behind ", rows_.last_time()));
  }

  // Once, when all of them are there.
  void note_skipped() {
    if (noted_ || rows_.skipped() == 0) return;
    noted_ = true;
    write_note(str("xlstm: ", options_.state, " has read them already: ", rows_.skipped(),
                   rows_.skipped() == 1 ? " row was" : " rows were", " skipped\n"));
  }

  void begin_stream() {
    if (!stream_) stream_ = forecaster_.stream(rows_.targets(), rows_.past());
    if (stream_->targets() == rows_.targets() && stream_->past_covariates() == rows_.past()) return;
    fail_wanted(ErrorKind::kUsage, options_.state,
                str("a state of ", rows_.targets(), " targets and ", rows_.past(),
                    " past covariates, as the rows have"),
                str(stream_->targets(), " and ", stream_->past_covariates()));
  }

  std::string text_of(const std::vector<Forecast>& forecasts) {
    std::string out;
    for (std::size_t target = 0; target < forecasts.size(); ++target) {
      out += csv_ ? csv_text(target, forecasts[target]) : json_text(target, forecasts[target]);
    }
    return out;
  }

  std::string json_text(std::size_t target, const Forecast& forecast) const {
    Json json = forecast_json(rows_.series(), target, forecast);
    json["position"] = stream_->position();
    if (!rows_.last_time().empty()) json["after"] = rows_.last_time();
    return json_line(json);
  }

  std::string csv_text(std::size_t target, const Forecast& forecast) {
    const TimedSeries& series = rows_.series();
    std::string out;
    if (!csv_begun_) {
      out = str("position,target,", series.times ? "time" : "step", csv_levels(forecast), "\n");
      csv_begun_ = true;
    }
    for (std::int64_t step = 0; step < forecast.horizon; ++step) {
      out += str(stream_->position(), ",", csv_cell(target_name(series, target)), ",",
                 csv_cell(step_text(series, step)), csv_quantiles(forecast, step), "\n");
    }
    return out;
  }

  const Forecaster& forecaster_;
  const ForecastArguments& options_;
  std::string file_;
  RowReader rows_;
  std::optional<ForecastStream> stream_;
  bool any_ = false;    // a value of a target was seen
  bool noted_ = false;  // that rows were skipped
  bool csv_, csv_begun_ = false;
};

}  // namespace

int follow_rows(const Forecaster& forecaster, const ForecastArguments& options) {
  Follower follower(forecaster, options);
  try {
    follower.run();
  } catch (const Interrupted&) {
    follower.save();
    return interrupt_exit_code();
  } catch (const Error&) {
    follower.save();
    throw;
  }
  follower.save();
  return kExitOk;
}

}  // namespace xlstm::apps
