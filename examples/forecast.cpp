// Forecasts: the quantiles of a series' next values, a batch of series, and a stream that follows
// one.
//
//   forecast [model]
#include <cmath>
#include <cstdio>
#include <iostream>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/engine/forecaster.h"

namespace {

// A year of months, growing, with its summers; the third month was not measured.
xlstm::Values months(int years) {
  xlstm::Values out;
  for (int month = 0; month < 12 * years; ++month) {
    const double season = std::sin(2 * 3.14159265 * month / 12);
    out.push_back(static_cast<float>(100 + 0.5 * month + 20 * season));
  }
  out[2] = NAN;
  return out;
}

void print(const char* what, const xlstm::Forecast& forecast) {
  std::printf("%s\n", what);
  for (std::int64_t step = 0; step < forecast.horizon; ++step) {
    std::printf("  +%lld: %.0f to %.0f, median %.0f\n", static_cast<long long>(step + 1),
                forecast.at(step, 0), forecast.at(step, 2), forecast.at(step, 1));
  }
}

}  // namespace

int main(int argc, char** argv) try {
  const auto forecaster = xlstm::Forecaster::open(argc > 1 ? argv[1] : "tides-1m");
  const xlstm::ForecastOptions options{.horizon = 3, .quantiles = {0.1F, 0.5F, 0.9F}};

  print("one series:", forecaster.forecast({.targets = {months(8)}}, options).front());

  // Many at once, whatever their lengths: much faster than one after the other.
  const std::vector<xlstm::Series> all = {{.targets = {months(2)}}, {.targets = {months(20)}}};
  const auto forecasts = forecaster.forecast(all, options);
  std::printf("%zu series at once\n", forecasts.size());

  // Values as they come: each forecast is that of all values so far.
  auto stream = forecaster.stream();
  stream.append({months(8)});
  stream.append({{148, 165, 160}});
  print("three months later:", stream.forecast(options).front());
} catch (const xlstm::Error& error) {
  std::cerr << error.what() << "\n";
  return 1;
}
