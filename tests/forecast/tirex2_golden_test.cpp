// Every golden forecast of TiRex-2, through every backend: each series by itself, and all of them
// as one batch of unequal samples.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "tests/forecast/tirex2_golden.h"

namespace xlstm::testing {
namespace {

struct Case {
  BackendCase backend;
  const char* folder;
  std::size_t forecasts;
};

class Tirex2GoldenForecasts : public ::testing::TestWithParam<Case> {
 protected:
  Tirex2GoldenForecasts() : golden_(GetParam().folder), model_(golden_.open(GetParam().backend)) {}

  Tirex2Golden golden_;
  std::unique_ptr<const ForecastModel> model_;
};

TEST_P(Tirex2GoldenForecasts, EachSeriesByItself) {
  const auto names = golden_.forecasts();
  double worst = 0;
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    const Series series = golden_.series(series_of(name));
    const auto got = model_->forecast(std::span(&series, 1), options_of(name));
    const double error = relative_error(as_golden(got.front()), golden_.numbers(name));
    EXPECT_LE(error, forecast_bound(GetParam().backend));
    worst = std::max(worst, error);
  }
  EXPECT_EQ(names.size(), GetParam().forecasts);
  std::printf("%s: %zu forecasts within %.1e\n", GetParam().folder, names.size(), worst);
}

TEST_P(Tirex2GoldenForecasts, AllSeriesAsOneBatch) {
  // Of the same options, but for those that are made of the horizon alone.
  std::map<std::string, std::vector<std::string>> alike;
  for (const std::string& name : golden_.forecasts()) {
    alike[name.substr(name.find(".h"))].push_back(name);
  }
  double worst = 0;
  for (const auto& [suffix, names] : alike) {
    std::vector<Series> batch;
    for (const std::string& name : names) batch.push_back(golden_.series(series_of(name)));
    const auto got = model_->forecast(batch, options_of(names.front()));
    for (std::size_t s = 0; s < names.size(); ++s) {
      SCOPED_TRACE(names[s]);
      const double error = relative_error(as_golden(got[s]), golden_.numbers(names[s]));
      EXPECT_LE(error, forecast_bound(GetParam().backend));
      worst = std::max(worst, error);
    }
  }
  std::printf("%s: batches within %.1e\n", GetParam().folder, worst);
}

std::vector<Case> cases() {
  std::vector<Case> out;
  for (const BackendCase& backend : all_backends()) {
    out.push_back({backend, "tirex2-univariate", 31});
    out.push_back({backend, "tirex2-covariates", 34});
    out.push_back({backend, "tirex2-legacy", 4});
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(Backends, Tirex2GoldenForecasts, ::testing::ValuesIn(cases()),
                         [](const auto& test) {
                           return std::string(test.param.backend.name) + "_" +
                                  (test.param.folder + std::string("tirex2-").size());
                         });

}  // namespace
}  // namespace xlstm::testing
