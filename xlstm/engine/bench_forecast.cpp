// The bench of forecasters.
#include <algorithm>
#include <cmath>
#include <vector>

#include "xlstm/base/bad_alloc.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/bench_measuring.h"
#include "xlstm/engine/forecaster.h"
#include "xlstm/forecast/forecast_model.h"
#include "xlstm/forecast/operations.h"
#include "xlstm/generate/stopwatch.h"

namespace xlstm {
namespace {

// Waves, each of another length.
std::vector<Series> some_series(int count, std::int64_t length) {
  std::vector<Series> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double rate = 0.5 / static_cast<double>(i % 100 + 1);
    Values values;
    for (std::int64_t t = 0; t < length; ++t) {
      values.push_back(static_cast<float>(std::sin(static_cast<double>(t) * rate)));
    }
    out[i].targets = {std::move(values)};
  }
  return out;
}

class ForecastBench {
 public:
  ForecastBench(const ForecastModel& model, const BenchOptions& options,
                const std::function<void(const BenchFigure&)>& on_figure)
      : model_(model), options_(options), measuring_(*model.loaded().backend, options, on_figure) {}

  void run() const {
    for (const int batch : options_.batches) {
      if (measuring_.stop()) return;
      figure(batch);
    }
  }

 private:
  // The states of many series may be what does not fit.
  std::uint64_t state_bytes(int batch) const {
    const std::uint64_t states =
        model_.loaded().plan.state_bytes() * static_cast<std::uint64_t>(batch);
    if (states > available_memory_bytes()) {
      fail_wanted(ErrorKind::kMemory, "batch", str(human_bytes(states), " for states"),
                  str(human_bytes(available_memory_bytes()), " left"));
    }
    return states;
  }

  void figure(int batch) const {
    const ForecasterFacts& facts = model_.facts();
    const Plan& plan = model_.loaded().plan;
    BenchFigure figure;
    figure.kind = "forecast";
    figure.batch = batch;
    figure.length = static_cast<int>(facts.context / facts.patch);
    figure.state_bytes = state_bytes(batch);
    const ForecastWork work = {.rows = batch, .tokens = figure.length};
    figure.operations_per_call = product_operations(plan, work);
    figure.bytes_per_call =
        static_cast<double>(model_.loaded().weight_bytes) * share_of_weights_read(plan, work);
    const std::vector<Series> series = some_series(batch, facts.context);
    const ForecastOptions options = {.horizon = facts.patch, .flip_sign = false};
    model_.forecast(series, options);  // the first one makes what later ones find
    measuring_.measure(figure, static_cast<double>(work.rows * work.tokens),
                       [&](const Measuring::Begin& begin) {
                         begin();
                         const Stopwatch watch;
                         model_.forecast(series, options);
                         return Timing{.seconds = watch.seconds()};
                       });
  }

  const ForecastModel& model_;
  const BenchOptions& options_;
  Measuring measuring_;
};

}  // namespace

void run_bench(const Forecaster& forecaster, const BenchOptions& options,
               const std::function<void(const BenchFigure&)>& on_figure) {
  check_bench(options);
  translate_bad_alloc([&] {
    const ForecastModel& model = forecaster.model();
    const auto turn = model.loaded().backend->exclusive();
    ForecastBench(model, options, on_figure).run();
  });
}

}  // namespace xlstm
