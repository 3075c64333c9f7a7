// How fast a forecaster of TiRex's sizes and random weights is, beside what the machine can do at
// that moment: forecasts of one series and of many at once, as a share of the float32 peak.
//
//   bench_forecast [SERIES...]            one, 8 and 64
//
// A forecast reads 2048 values of each series and writes quantiles of the next 32. The product of
// the recurrent matrices cannot begin before the token before is done, and reads them from the
// cache for every token of a series alone: the column "limit" is the time of the arithmetic at the
// peak and, for one series, of that reading at the rate that was measured beside it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/forecast/forecast_model.h"
#include "xlstm/kernels/probe/probe.h"
#include "xlstm/model/synthetic.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm {
namespace {

constexpr double kTokens = 64;  // of a window
constexpr double kD = 512, kDH = 128, kF = 1408, kH = 2048, kL = 12, kI = 64, kO = 288;

// Multiply-adds of a window, the last layers of its last token alone.
double multiply_adds() {
  const double input = kI * kH + kH * kD + kI * kD, output = kD * kH + kH * kO + kD * kO;
  const double block = 4 * kD * kDH + 4 * kD * kDH + 3 * kD * kF;
  return kTokens * (input + kL * block) + output;
}

// Bytes of R that a window of one series reads.
double recurrent_bytes() {
  return kTokens * kL * 4 * kD * kDH * sizeof(float);
}

std::unique_ptr<const ForecastModel> load(std::shared_ptr<Backend> backend) {
  Synthetic synthetic = make_synthetic(kSyntheticForecaster);
  const Checkpoint checkpoint = Checkpoint::in_memory(
      std::string(kSyntheticForecaster), synthetic.config_json, std::move(synthetic.source));
  return find_forecast_family(checkpoint.plan.family)
      ->load(checkpoint.plan, *checkpoint.tensors, std::move(backend), {});
}

std::vector<Series> series_of(std::size_t count) {
  std::vector<Series> out(count);
  for (std::size_t s = 0; s < count; ++s) {
    Values values;
    for (int t = 0; t < 2048; ++t) {
      values.push_back(std::sin(0.05F * static_cast<float>(t) + static_cast<float>(s)));
    }
    out[s].targets = {values};
  }
  return out;
}

double seconds_of(const ForecastModel& model, const std::vector<Series>& series,
                  std::int64_t horizon) {
  ForecastOptions options;
  options.horizon = horizon;
  const auto start = std::chrono::steady_clock::now();
  model.forecast(series, options);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return took.count();
}

// GB/s of reading a matrix from the second cache, by all threads.
double cache_rate(ThreadPool& pool) {
  constexpr std::size_t kFloats = std::size_t{128} << 10;  // 512 KiB a thread
  constexpr int kPasses = 200;
  std::vector<std::vector<float>> memory(pool.size(), std::vector<float>(kFloats, 1.0F));
  std::vector<double> sums(pool.size());
  const auto start = std::chrono::steady_clock::now();
  pool.parallel_for(pool.size(), [&](std::size_t thread) {
    const float* const at = memory[thread].data();
    float sum[64] = {};
    for (int pass = 0; pass < kPasses; ++pass) {
      for (std::size_t i = 0; i < kFloats; i += 64) {
        for (std::size_t j = 0; j < 64; ++j) sum[j] += at[i + j];
      }
    }
    for (const float each : sum) sums[thread] += each;
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (sums[0] < 0) std::printf("never\n");  // the sums are wanted
  return static_cast<double>(pool.size() * kFloats * sizeof(float)) * kPasses / took.count() * 1e-9;
}

void measure(const ForecastModel& model, std::size_t count, std::int64_t horizon) {
  Backend& b = *model.loaded().backend;
  const std::vector<Series> series = series_of(count);
  seconds_of(model, series, horizon);
  const kernels::Probe before = kernels::probe_machine(b.threads());
  std::vector<double> times;
  const int repeats = count >= 32 ? 3 : 15;
  for (int i = 0; i < repeats; ++i) times.push_back(seconds_of(model, series, horizon));
  const kernels::Probe machine = kernels::mean(before, kernels::probe_machine(b.threads()));
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  const double windows = static_cast<double>(count) * std::ceil(static_cast<double>(horizon) / 32);
  const double operations = 2 * windows * multiply_adds();
  double limit = operations / machine.peak_gflops * 1e-9;
  if (count == 1) limit += windows * recurrent_bytes() / cache_rate(b.threads()) * 1e-9;
  std::printf("%6zu %8lld %10.1f %10.1f %10.1f %8.1f%% %10.1f %6.2f\n", count,
              static_cast<long long>(horizon), median * 1e3, times.front() * 1e3,
              operations / median * 1e-9, 100 * operations / median * 1e-9 / machine.peak_gflops,
              limit * 1e3, median / limit);
  b.start_profile();
  seconds_of(model, series, horizon);
  for (const ProfileEntry& entry : b.stop_profile()) {
    if (entry.seconds < 0.005 * median) continue;
    std::printf("    %-20s %8.2f ms %6.1f%%\n", std::string(entry.name).c_str(),
                entry.seconds * 1e3, 100 * entry.seconds / median);
  }
}

void run(int argc, char** argv) {
  std::vector<std::size_t> counts;
  for (int i = 1; i < argc; ++i) counts.push_back(std::stoul(argv[i]));
  if (counts.empty()) counts = {1, 8, 64};
  const auto model = load(cpu::make_backend());
  std::printf("series  horizon  median ms    best ms    GFLOP/s  of peak   limit ms  times\n");
  for (const std::size_t count : counts) {
    measure(*model, count, 32);
    if (count == 1) measure(*model, count, 64);
  }
}

}  // namespace
}  // namespace xlstm

int main(int argc, char** argv) {
  try {
    xlstm::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_forecast: %s\n", error.what());
    return 1;
  }
}
