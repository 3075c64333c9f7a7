// What `xlstm forecast` can be told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "xlstm/apps/command.h"
#include "xlstm/apps/options.h"
#include "xlstm/forecast/series.h"
#include "xlstm/series/series_table.h"

namespace xlstm::apps {

struct ForecastArguments {
  ModelOptions model;
  std::vector<std::string> files;  // none: standard input
  TableOptions table;
  ForecastOptions forecast;
  std::vector<std::string> forecast_given;  // names of the options that set `forecast`
  std::string format;                       // "": of the terminal or the output's name
  std::string output;                       // "": standard output
  std::string plot;                         // SVG
  bool sketch = false;
  std::int64_t history = 0;  // values that plots show; 0: a few horizons
  bool follow = false;
  std::string state;
  bool embed = false;
};

std::vector<OptionGroup> forecast_option_groups(ForecastArguments& to);

// Throws Error(kUsage) for options that do not go together.
void check_forecast_arguments(const ForecastArguments& options);

// csv, json, jsonl or table: what was asked for, else what `output` ends in, else a table for a
// terminal and CSV for all else.
std::string format_of(const ForecastArguments& options);

}  // namespace xlstm::apps
