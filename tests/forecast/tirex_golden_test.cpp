// The golden forecasts of TiRex through every backend: of a tiny model with random weights, which
// the package computed with a cell that it rounds to bfloat16 at every step and the specification's
// formulas in float64; and of tides-1m for series that people know.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/forecast/fixture.h"

namespace xlstm::testing {
namespace {

// Of forecasts beside float64's, relative to the largest value. Where activations are bfloat16, a
// step rounds by 2^-8 what it adds to the stream.
double golden_bound(const BackendCase& backend) {
  return backend.is_float32() ? 1e-4 : 0.05;
}

class TirexGolden : public ::testing::TestWithParam<BackendCase> {
 protected:
  static std::unique_ptr<const ForecastModel> open(const std::filesystem::path& folder) {
    return open_forecaster(folder, GetParam().activations, GetParam().make());
  }
};

// "long.T70.k5": 70 steps, at most 5 patches by one pass.
ForecastOptions options_of(const std::string& name) {
  ForecastOptions options;
  const std::size_t t = name.find(".T"), k = name.find(".k");
  options.horizon = std::stoll(name.substr(t + 2));
  if (k != std::string::npos) options.accelerated_steps = std::stoll(name.substr(k + 2));
  return options;
}

TEST_P(TirexGolden, RandomWeights) {
  const auto folder = golden_folder() / "tirex";
  const auto model = open(folder);
  const auto exact = open_weights(folder / "golden-float64.safetensors");
  const auto package = open_weights(folder / "golden.safetensors");
  double worst = 0, beside_package = 0;
  int cases = 0;
  for (const TensorInfo& tensor : exact->tensors()) {
    if (tensor.name.find(".T") == std::string::npos) continue;
    const Values series = read_golden(*exact, tensor.name.substr(0, tensor.name.find('.')));
    const Forecast got = forecast_one(*model, series, options_of(tensor.name));
    worst = std::max(worst, relative_error(got.values, read_golden(*exact, tensor.name)));
    beside_package =
        std::max(beside_package, relative_error(got.values, read_golden(*package, tensor.name)));
    ++cases;
  }
  std::printf("tirex: %.1e beside float64, %.1e beside the package\n", worst, beside_package);
  EXPECT_EQ(cases, 9);
  EXPECT_LE(worst, golden_bound(GetParam()));
  EXPECT_LE(beside_package, GetParam().is_float32() ? 1e-2 : 0.05);
}

TEST_P(TirexGolden, Tides) {
  const auto model = open(tides_folder());
  const auto golden = open_weights(golden_folder() / "tides-1m.safetensors");
  double worst = 0;
  int cases = 0;
  for (const TensorInfo& tensor : golden->tensors()) {
    if (tensor.name.find(".T") == std::string::npos) continue;
    const std::string name = tensor.name.substr(0, tensor.name.find('.'));
    const Forecast got =
        forecast_one(*model, read_golden(*golden, name + ".context"), options_of(tensor.name));
    const double error = relative_error(got.values, read_golden(*golden, tensor.name));
    std::printf("tides-1m %s: %.1e\n", name.c_str(), error);
    worst = std::max(worst, error);
    ++cases;
  }
  EXPECT_EQ(cases, 6);
  EXPECT_LE(worst, golden_bound(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Backends, TirexGolden, ::testing::ValuesIn(all_backends()),
                         [](const auto& backend) { return std::string(backend.param.name); });

}  // namespace
}  // namespace xlstm::testing
