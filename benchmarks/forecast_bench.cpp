// How fast forecasts are: TiRex's 35 million parameters with random weights, or a model's folder.
//
//   bench_forecast [FOLDER] [THREADS]      random weights, 2
//
// For so many series at once, of a whole context each, and horizons of one and two patches: the
// median time, and the rate of the matrix products as a share of what the machine's float32
// instructions gave before and after; of one series also how much longer than these products and
// the reading of the recurrent matrices, for each token again, from the second cache take. Repeat
// lines marked ~: the machine had other work.
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
#include "xlstm/forecast/operations.h"
#include "xlstm/kernels/probe/probe.h"
#include "xlstm/model/synthetic.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::bench {
namespace {

using Clock = std::chrono::steady_clock;

Checkpoint open(const std::string& folder) {
  if (!folder.empty()) return Checkpoint::open(folder);
  Synthetic synthetic = make_synthetic("tirex-35m");
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

// GB/s that all threads together read from their second caches.
double cache_rate(ThreadPool& pool) {
  constexpr std::size_t kFloats = std::size_t{128} << 10;  // 512 KiB a thread
  constexpr int kPasses = 100;
  const std::vector<std::vector<float>> memory(pool.size(), std::vector<float>(kFloats, 1.0F));
  std::vector<float> sums(pool.size());
  const auto start = Clock::now();
  pool.parallel_for(pool.size(), [&](std::size_t thread) {
    float sum[64] = {};
    for (int pass = 0; pass < kPasses; ++pass) {
      for (std::size_t i = 0; i < kFloats; i += 64) {
        for (std::size_t j = 0; j < 64; ++j) sum[j] += memory[thread][i + j];
      }
    }
    for (const float each : sum) sums[thread] += each;
  });
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const bool is_read = sums.front() > 0;
  return is_read
             ? static_cast<double>(pool.size() * kFloats * sizeof(float)) * kPasses / seconds * 1e-9
             : 0;
}

// Bytes of the recurrent matrices, which one series' scan reads again for every token.
double recurrent_bytes(const Plan& plan) {
  double sum = 0;
  for (const Layer& layer : plan.layers) {
    for (const Parameter& each : layer.parameters) {
      if (each.shape.size() != 3 || each.shape[2] != 4 * each.shape[1]) continue;
      sum += sizeof(float) * static_cast<double>(element_count(each.shape).value_or(0));
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
      static_cast<double>(count) * tokens * product_operations(model.loaded().plan, {});
  const double rate = operations / seconds * 1e-9, peak = kernels::mean(before, after).peak_gflops;
  std::printf("%3zu series %3lld steps %9.2f ms %9.2f ms/series %7.1f GFLOP/s %5.1f%% of %.0f%s\n",
              count, static_cast<long long>(options.horizon), seconds * 1e3,
              seconds * 1e3 / static_cast<double>(count), rate, 100 * rate / peak, peak,
              kernels::same_state(before, after) ? "" : " ~");
  if (count == 1) {
    const double limit = operations / peak * 1e-9 +
                         tokens * recurrent_bytes(model.loaded().plan) / cache_rate(pool) * 1e-9;
    std::printf("    %.2f times its products at the peak and the reading of R from the cache\n",
                seconds / limit);
  }
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
