#include "xlstm/apps/forecast_options.h"

#include <algorithm>
#include <filesystem>

#include "xlstm/apps/terminal.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/forecast/checks.h"

namespace xlstm::apps {
namespace {

constexpr std::int64_t kMostContext = std::int64_t{1} << 31;
constexpr std::int64_t kMostBatch = 65536;

// "a,b" in parts, each some text.
std::vector<std::string> parts_of(const std::string& option, const std::string& text,
                                  std::string_view wanted) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    out.push_back(text.substr(at, end - at));
    if (out.back().empty()) fail_wanted(ErrorKind::kUsage, option, wanted, quoted(text));
    at = end + 1;
  }
  return out;
}

template <typename Integer>
Option whole_option(std::string name, std::string help, std::int64_t least, std::int64_t most,
                    Integer& to) {
  return {name, "N", std::move(help), [name, least, most, &to](const std::string& text) {
            to = static_cast<Integer>(parse_integer(name, text, least, most));
          }};
}

Option names_option(std::string name, std::string help, std::vector<std::string>& to) {
  return {.name = name,
          .value = "NAME,...",
          .help = std::move(help),
          .set =
              [name, &to](const std::string& text) {
                const auto names = parts_of(name, text, "names or numbers of columns");
                to.insert(to.end(), names.begin(), names.end());
              },
          .repeatable = true};
}

Option quantiles_option(std::vector<float>& to) {
  return {"--quantiles", "LEVEL,...",
          "Levels between 0 and 1, rising (default: the model's own; others are interpolated)",
          [&to](const std::string& text) {
            constexpr NumberRange kLevel{0, 1, "levels between 0 and 1", false};
            to.clear();
            for (const std::string& part : parts_of("--quantiles", text, kLevel.wanted)) {
              const float level = parse_number("--quantiles", part, kLevel);
              if (level >= 1 || (!to.empty() && level <= to.back())) {
                fail_wanted(ErrorKind::kUsage, "--quantiles", "levels below 1 that rise",
                            quoted(text));
              }
              to.push_back(level);
            }
          }};
}

Option yes_no_option(std::string name, std::string values, std::string help,
                     std::optional<bool>& to) {
  const bool yes_no = values == "yes|no";
  return {.name = std::move(name),
          .value = values,
          .help = std::move(help),
          .set = [&to, yes_no](const std::string& text) { to = text == (yes_no ? "yes" : "on"); },
          .choices = yes_no ? std::vector<std::string>{"yes", "no"}
                            : std::vector<std::string>{"on", "off"}};
}

Option separator_option(std::optional<char>& to) {
  return {.name = "--separator",
          .value = "SIGN",
          .help = "Between cells: comma, semicolon or tab (default: found)",
          .set =
              [&to](const std::string& text) {
                to = text == "comma" ? ',' : text == "semicolon" ? ';' : '\t';
              },
          .choices = {"comma", "semicolon", "tab"}};
}

OptionGroup table_group(ForecastArguments& to) {
  TableOptions& table = to.table;
  return {
      "Table, whose columns are named as its first row does, or by their number from 1",
      {names_option(
           "--columns",
           "What is forecast (default: all columns that are not named otherwise and hold no "
           "times)",
           table.columns),
       text_option("--time", "NAME",
                   "The column of times, which go on in the output; none: rows are equal steps "
                   "(default: found)",
                   table.time),
       text_option("--id", "NAME",
                   "The column that says whose row it is, of many series in a table", table.id),
       names_option("--past", "Covariates that are known up to now", table.past),
       names_option("--known",
                    "Covariates that are known ahead: rows behind the last value of what is "
                    "forecast are its future",
                    table.known),
       switch_option("--multivariate",
                     "Columns are one series of several targets, forecast together; else each is "
                     "a series of its own",
                     table.multivariate),
       yes_no_option("--header", "yes|no", "Whether the first row holds names (default: found)",
                     table.header),
       separator_option(table.separator)}};
}

OptionGroup forecast_group(ForecastArguments& to) {
  ForecastOptions& forecast = to.forecast;
  Option horizon =
      whole_option("--horizon", "Steps to forecast (default: 32)", 1, kMostSteps, forecast.horizon);
  horizon.letter = 'n';
  OptionGroup group = {
      "Forecast",
      {horizon,
       whole_option("--context",
                    "Values that are read, the newest (default: 0, as many as the model takes)", 0,
                    kMostContext, forecast.context),
       quantiles_option(forecast.quantiles),
       whole_option("--batch",
                    "Series at once; results depend on it by rounding alone (default: 64)", 1,
                    kMostBatch, forecast.batch),
       whole_option("--accelerated",
                    "TiRex: patches that one pass forecasts; more are faster and less exact "
                    "(default: 1)",
                    1, kMostSteps, forecast.accelerated_steps),
       switch_option("--resample", "TiRex: read series with slow seasons at a lower rate",
                     forecast.resample),
       yes_no_option("--difference-trends", "on|off",
                     "TiRex-2: forecast series with a trend by their differences (default: as the "
                     "model's config says)",
                     forecast.difference_trends),
       yes_no_option("--flip-sign", "on|off",
                     "TiRex-2: the mean with the forecast of the negated series (default: as the "
                     "model's config says)",
                     forecast.flip_sign)}};
  for (Option& option : group.options) option = recorded(std::move(option), to.forecast_given);
  return group;
}

OptionGroup output_group(ForecastArguments& to) {
  Option format = text_option("--format", "FORMAT",
                              "csv, json, jsonl or table (default: what FILE ends in; a table for "
                              "a terminal, else csv)",
                              to.format);
  format.choices = {"csv", "json", "jsonl", "table"};
  Option output = output_option(
      "--output", "FILE", "There, whole or not at all, and not on standard output", to.output);
  output.letter = 'o';
  return {
      "Output",
      {format, output,
       output_option("--plot", "FILE", "An SVG of history, median and bands", to.plot),
       switch_option("--sketch", "A plot in the terminal instead of the table", to.sketch),
       whole_option("--history", "Values that plots show (default: four horizons, 120 at least)", 1,
                    kMostContext, to.history),
       switch_option("--embed",
                     "What each block of the model makes of each series, as JSON, instead of a "
                     "forecast",
                     to.embed)}};
}

OptionGroup follow_group(ForecastArguments& to) {
  Option state = output_option("--state", "FILE",
                               "Go on from this state, if it is there, without the rows that it "
                               "has by their times, and save it at the end",
                               to.state);
  state.needs = "--follow";
  return {
      "Stream",
      {switch_option("--follow", "Read a row at a time and forecast after each, at constant cost",
                     to.follow),
       state}};
}

void refuse_with(bool given, std::string_view option, std::string_view with) {
  if (given) fail_wanted(ErrorKind::kUsage, option, str("no ", with, " with it"), "both");
}

// Each file is a series of its own name.
void check_files(const ForecastArguments& options) {
  std::vector<std::string> files = options.files;
  std::ranges::sort(files);
  const auto twice = std::ranges::adjacent_find(files);
  if (twice != files.end()) {
    fail_wanted(ErrorKind::kUsage, "FILE", "each file once", quoted(*twice) + " twice");
  }
  const auto normal = [](const std::string& file) {
    std::error_code unknown;  // writing it will say so
    const auto absolute = std::filesystem::absolute(file, unknown);
    return std::filesystem::weakly_canonical(absolute, unknown);
  };
  if (!options.plot.empty() && !options.output.empty() &&
      normal(options.plot) == normal(options.output)) {
    fail_wanted(ErrorKind::kUsage, "--plot", "another file than --output", quoted(options.plot));
  }
}

bool ends_in(const std::string& name, std::string_view end) {
  return name.size() > end.size() && name.ends_with(end);
}

}  // namespace

std::vector<OptionGroup> forecast_option_groups(ForecastArguments& to) {
  return {forecast_group(to), table_group(to), output_group(to), follow_group(to),
          model_option_group(to.model, "tides-1m")};
}

void check_forecast_arguments(const ForecastArguments& options) {
  check_files(options);
  const auto given = [&](const char* name) {
    return std::ranges::find(options.forecast_given, name) != options.forecast_given.end();
  };
  if (options.follow) {
    refuse_with(given("--batch"), "--follow", "--batch");
    refuse_with(options.embed, "--follow", "--embed");
    refuse_with(options.sketch, "--follow", "--sketch");
    refuse_with(!options.plot.empty(), "--follow", "--plot");
    refuse_with(!options.output.empty(), "--follow", "--output");
    refuse_with(!options.table.id.empty(), "--follow", "--id");
    refuse_with(!options.table.known.empty(), "--follow", "--known");
    refuse_with(options.forecast.resample, "--follow", "--resample");
    refuse_with(options.format == "json" || options.format == "table", "--follow",
                "--format " + options.format);
    refuse_with(options.files.size() > 1, "--follow", "second file");
  }
  if (options.embed) {
    for (const std::string& name : options.forecast_given) refuse_with(true, "--embed", name);
    refuse_with(options.sketch, "--embed", "--sketch");
    refuse_with(!options.plot.empty(), "--embed", "--plot");
    refuse_with(options.format == "csv" || options.format == "table", "--embed",
                "--format " + options.format);
  }
  refuse_with(options.sketch && !options.format.empty() && options.output.empty(), "--sketch",
              "--format, but for a file (--output),");
  if (options.history > 0 && !options.sketch && options.plot.empty()) {
    fail_wanted(ErrorKind::kUsage, "--history", "--plot FILE or --sketch with it", "none");
  }
}

std::string format_of(const ForecastArguments& options) {
  if (!options.format.empty()) return options.format;
  if (ends_in(options.output, ".jsonl") || ends_in(options.output, ".ndjson")) return "jsonl";
  if (ends_in(options.output, ".json")) return "json";
  return options.output.empty() && stdout_is_terminal() ? "table" : "csv";
}

}  // namespace xlstm::apps
