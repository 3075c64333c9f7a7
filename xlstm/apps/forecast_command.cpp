// xlstm forecast: series in, quantiles of what comes next out.
#include <algorithm>
#include <memory>
#include <optional>

#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/forecast_embedding.h"
#include "xlstm/apps/forecast_errors.h"
#include "xlstm/apps/forecast_follow.h"
#include "xlstm/apps/forecast_input.h"
#include "xlstm/apps/forecast_options.h"
#include "xlstm/apps/forecast_plot.h"
#include "xlstm/apps/forecast_writers.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/report.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm::apps {
namespace {

constexpr int kMostFiles = 100'000;
constexpr std::size_t kMostPanels = 40;  // of a plot

// Standard output, or a file that appears whole.
class Destination {
 public:
  explicit Destination(const std::string& file) {
    if (!file.empty()) file_.emplace(file);
  }
  WriteText writer() {
    return [this](std::string_view text) {
      if (file_) {
        file_->write(text);
      } else {
        write_out(text);
      }
    };
  }
  void commit() {
    if (file_) file_->commit();
  }

 private:
  std::optional<AtomicFile> file_;
};

bool throw_or_go_on() {
  throw_if_interrupted();
  return false;
}

// Errors name the inputs, of which the batch's are those from `begin` on.
std::vector<std::vector<Forecast>> forecasts_of(const Forecaster& forecaster,
                                                const std::vector<Series>& batch,
                                                const ForecastOptions& options,
                                                const std::vector<TimedSeries>& inputs,
                                                std::size_t begin) {
  try {
    return forecaster.forecast(batch, options);
  } catch (const Error& error) {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const TimedSeries& series = inputs[begin + i];
      names.push_back(name_of(series, series.targets.front()));
    }
    throw in_terms_of_command(error, names);
  }
}

// Calls on_forecasts(series, its forecasts) for each, in order, some at a time.
template <typename OnForecasts>
void forecast_all(const Forecaster& forecaster, const std::vector<TimedSeries>& inputs,
                  ForecastOptions options, const OnForecasts& on_forecasts) {
  options.cancelled = throw_or_go_on;
  ProgressBar bar("Forecasting");
  for (std::size_t begin = 0; begin < inputs.size(); begin += options.batch) {
    const std::size_t end = std::min(begin + options.batch, inputs.size());
    std::vector<Series> batch;
    for (std::size_t i = begin; i < end; ++i) batch.push_back(series_of(inputs[i]));
    const auto forecasts = forecasts_of(forecaster, batch, options, inputs, begin);
    bar.update(static_cast<double>(end) / static_cast<double>(inputs.size()));
    for (std::size_t i = begin; i < end; ++i) on_forecasts(inputs[i], forecasts[i - begin]);
  }
}

void write_plot(const std::string& file, std::vector<PlotPanel>& panels) {
  if (panels.size() > kMostPanels) {
    write_note(
        str("xlstm: ", file, " shows the first ", kMostPanels, " of ", panels.size(), " series\n"));
    panels.resize(kMostPanels);
  }
  AtomicFile to(file);
  to.write(svg_plot(panels));
  to.commit();
}

void forecast_inputs(const Forecaster& forecaster, const std::vector<TimedSeries>& inputs,
                     const ForecastArguments& options) {
  Destination destination(options.output);
  const bool values = !options.sketch || !options.output.empty();
  const auto writer = make_writer(format_of(options), destination.writer());
  std::vector<PlotPanel> panels;
  forecast_all(forecaster, inputs, options.forecast, [&](const auto& series, const auto& all) {
    if (values) writer->add(series, all);
    if (options.plot.empty() && !options.sketch) return;
    for (PlotPanel& panel : panels_of(series, all, options.history)) {
      panels.push_back(std::move(panel));
    }
  });
  if (values) writer->end();
  if (options.sketch) write_out(sketches_of(panels));
  destination.commit();
  if (!options.plot.empty()) write_plot(options.plot, panels);
}

void embed_inputs(const Forecaster& forecaster, const std::vector<TimedSeries>& inputs,
                  const ForecastArguments& options) {
  Destination destination(options.output);
  const WriteText write = destination.writer();
  for (const TimedSeries& series : inputs) {
    for (std::size_t target = 0; target < series.targets.size(); ++target) {
      throw_if_interrupted();
      const SeriesEmbedding embedding = forecaster.embed(series.targets[target].values);
      write(json_line(embedding_json(series, target, embedding)));
    }
  }
  destination.commit();
}

void note_short_horizon(const Forecaster& forecaster, std::int64_t horizon) {
  const std::int64_t most = forecaster.facts().horizon;
  if (most == 0 || horizon <= most) return;
  write_note(
      str("xlstm: ", forecaster.facts().name, " forecasts ", most, " steps, not ", horizon, "\n"));
}

int run_forecast(ForecastArguments options) {
  if (options.files.empty()) options.files = {"-"};
  check_forecast_arguments(options);
  if (options.follow) {
    const Forecaster forecaster = open_forecaster(options.model);
    note_short_horizon(forecaster, options.forecast.horizon);
    return follow_rows(forecaster, options);
  }
  // A wrong file is told before a model is loaded.
  const std::vector<TimedSeries> inputs = read_inputs(options);
  const Forecaster forecaster = open_forecaster(options.model);
  for (const TimedSeries& series : inputs) {
    check_fits(series, forecaster.facts(), options.forecast.horizon);
  }
  if (options.embed) {
    embed_inputs(forecaster, inputs, options);
    return kExitOk;
  }
  note_short_horizon(forecaster, options.forecast.horizon);
  forecast_inputs(forecaster, inputs, options);
  return kExitOk;
}

void take_file(ForecastArguments& to, const std::string& name) {
  if (name.empty()) fail_wanted(ErrorKind::kUsage, "xlstm forecast", "a file name", "an empty one");
  to.files.push_back(name);
}

}  // namespace

Command forecast_command() {
  const auto options = std::make_shared<ForecastArguments>();
  return {
      .name = "forecast",
      .summary = "Forecast time series",
      .description =
          "Reads series from FILEs, or standard input (-): a table (CSV, or with semicolons or "
          "tabs) with a series in each column, or many under each other (--id); or JSON, a series "
          "a line: an array of numbers, or an object with target, past, known, id, start, step. "
          "Empty cells, NA and NaN are missing values, and so are the rows that a regular column "
          "of times leaves out. Writes quantiles of each step that follows.",
      .groups = forecast_option_groups(*options),
      .examples =
          {{"xlstm forecast --plot f.svg air-passengers.csv",
            "32 months more, as a table and as a picture."},
           {"xlstm forecast -n 12 --id shop --columns sales --quantiles 0.1,0.5,0.9 "
            "sales.csv -o next.csv",
            "A year of each shop's sales, as CSV."},
           {"tail -n +1 -f load.csv | xlstm forecast --follow --state load.state -n 24",
            "A forecast after each new row; Ctrl-C saves the state, from which the next run "
            "goes on with the rows that are new."},
           {"xlstm forecast --model NX-AI/TiRex-2 --known price --horizon 14 demand.csv",
            "With a price that is known ahead."}},
      .run = [options] { return run_forecast(*options); },
      .argument = "FILE...",
      .set_argument = [options](const std::string& text) { take_file(*options, text); },
      .argument_optional = true,
      .arguments = kMostFiles,
      .argument_completes = Completes::kFile};
}

}  // namespace xlstm::apps
