// TiRex-2 models whose file is quantised.
#include <gtest/gtest.h>

#include "tests/forecast/tirex2_golden.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/convert/convert.h"

namespace xlstm::testing {
namespace {

// As the model that is quantised while it is loaded, by the same numbers.
TEST(Tirex2Quantised, AConvertedModelForecastsAsOneThatIsQuantisedWhereItIsLoaded) {
  const TemporaryFolder folder;
  for (const char* name : {"tirex2-univariate", "tirex2-covariates"}) {
    SCOPED_TRACE(name);
    const std::filesystem::path from = golden_folder() / name, to = folder.path() / name;
    ConvertOptions options;
    options.recipe = default_recipe({QuantizationMode::kAffine, 8, 32});
    options.verify = true;
    convert(from, to, options);

    const Checkpoint checkpoint = Checkpoint::open(from);
    LoadOptions load;
    load.quantization = options.recipe;
    const auto loaded = find_forecast_family("tirex-2")->load(checkpoint.plan, *checkpoint.tensors,
                                                              cpu::make_backend(2), load);
    const auto converted = open_forecaster(to);
    const Tirex2Golden golden(name);
    const Series series = golden.series(golden.has("both") ? "both" : "short");
    const auto run = [&](const ForecastModel& model) {
      return as_golden(model.forecast(std::span(&series, 1), {.horizon = 12}).front());
    };
    const std::vector<float> got = run(*converted);
    EXPECT_EQ(got, run(*loaded));
    EXPECT_NE(got, run(*open_forecaster(from)));
  }
}

}  // namespace
}  // namespace xlstm::testing
