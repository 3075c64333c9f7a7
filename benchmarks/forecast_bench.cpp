// How fast forecasts are: TiRex's 35 million parameters with random weights, or a model's folder.
//
//   bench_forecast [FOLDER] [THREADS]      random weights, 2
//
// For so many series at once, of a whole context each, and horizons of one and two patches: the
// median time, and the rate of the matrix products as a share of what the machine's float32
// instructions gave before and after. Repeat lines marked ~: the machine had other work.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "benchmarks/measuring.h"
#include "xlstm/base/error.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/forecast/forecast_model.h"
#include "xlstm/kernels/probe/probe.h"
#include "xlstm/model/tirex/synthetic.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::bench {
namespace {

using Clock = std::chrono::steady_clock;

Checkpoint open(const std::string& folder) {
  if (!folder.empty()) return Checkpoint::open(folder);
  Synthetic synthetic = tirex::make_synthetic_35m();
  return Checkpoint::in_memory("tirex-35m", synthetic.config_json, std::move(synthetic.source));
}

std::vector<Series> waves(std::size_t count, std::int64_t length) {
  std::vector<Series> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    Values values;
    for (std::int64_t t = 0; t < length; ++t) {
      values.push_back(std::sin(static_cast<float>(t) * 0.01F * static_cast<float>(i + 1)));
    }
    out[i].targets = {std::move(values)};
  }
  return out;
}

// Multiplications and additions of the products with weights, for one token.
double operations_per_token(const Plan& plan) {
  double sum = 0;
  for (const Layer& layer : plan.layers) {
    if (layer.name == "output") continue;  // read for the last token alone
    for (const Parameter& each : layer.parameters) {
      if (each.shape.size() < 2) continue;
      sum += 2 * static_cast<double>(element_count(each.shape).value_or(0));
    }
  }
  return sum;
}

void measure(const ForecastModel& model, ThreadPool& pool, std::size_t count,
             std::int64_t patches) {
  const ForecasterFacts& facts = model.facts();
  const std::vector<Series> series = waves(count, facts.context);
  ForecastOptions options;
  options.horizon = patches * facts.patch;
  std::vector<double> times;
  const kernels::Probe before = kernels::probe_machine(pool);
  for (int repeat = 0; repeat < (count > 8 ? 5 : 11); ++repeat) {
    const auto start = Clock::now();
    model.forecast(series, options);
    times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  const kernels::Probe after = kernels::probe_machine(pool);
  const double seconds = median_of(times);
  const auto tokens = static_cast<double>(facts.context / facts.patch * patches);
  const double operations =
      static_cast<double>(count) * tokens * operations_per_token(model.loaded().plan);
  const double rate = operations / seconds * 1e-9, peak = kernels::mean(before, after).peak_gflops;
  std::printf("%3zu series %3lld steps %9.2f ms %9.2f ms/series %7.1f GFLOP/s %5.1f%% of %.0f%s\n",
              count, static_cast<long long>(options.horizon), seconds * 1e3,
              seconds * 1e3 / static_cast<double>(count), rate, 100 * rate / peak, peak,
              kernels::same_state(before, after) ? "" : " ~");
  std::fflush(stdout);
}

void run(const std::string& folder, std::size_t threads) {
  const Checkpoint checkpoint = open(folder);
  const ForecastFamily* family = find_forecast_family(checkpoint.plan.family);
  if (family == nullptr) {
    fail_wanted(ErrorKind::kUsage, folder, "a forecaster", checkpoint.plan.family);
  }
  const std::shared_ptr<Backend> backend = cpu::make_backend(threads);
  const auto model = family->load(checkpoint.plan, *checkpoint.tensors, backend, {});
  backend->start_profile();
  for (const std::size_t count : {1, 8, 64}) {
    for (const std::int64_t patches : {1, 2}) measure(*model, backend->threads(), count, patches);
  }
  double all = 0;
  const std::vector<ProfileEntry> profile = backend->stop_profile();
  for (const ProfileEntry& each : profile) all += each.seconds;
  for (const ProfileEntry& each : profile) {
    std::printf("  %5.1f%% %s\n", 100 * each.seconds / all, std::string(each.name).c_str());
  }
}

}  // namespace
}  // namespace xlstm::bench

int main(int argc, char** argv) {
  try {
    const std::size_t threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
    xlstm::bench::run(argc > 1 ? argv[1] : "", threads);
    return 0;
  } catch (const xlstm::Error& error) {
    std::fprintf(stderr, "bench_forecast: %s\n", error.what());
    return 1;
  }
}
