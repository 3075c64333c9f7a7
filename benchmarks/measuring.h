// What the programs of Google Benchmark share.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "xlstm/kernels/probe/probe.h"

namespace xlstm::bench {

// The median: on a shared machine a mean tells about the neighbours. Reorders `times`.
inline double median_of(std::vector<double>& times) {
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

// What a case says of itself: times in seconds, bytes read or written and operations (two a
// multiply-add) of one run, beside what the machine gave before and after. %peak is of float32's.
inline void report(benchmark::State& state, std::vector<double>& times, double bytes,
                   double operations, const kernels::Probe& before, const kernels::Probe& after) {
  const kernels::Probe machine = kernels::mean(before, after);
  const double median = median_of(times);
  const double bandwidth = bytes / median * 1e-9, rate = operations / median * 1e-9;
  state.counters["median_us"] = median * 1e6;
  state.counters["GB/s"] = bandwidth;
  state.counters["GFLOP/s"] = rate;
  state.counters["%read"] = 100 * bandwidth / machine.read_gbs;
  state.counters["%peak"] = 100 * rate / machine.peak_gflops;
  state.counters["read"] = machine.read_gbs;
  state.counters["peak"] = machine.peak_gflops;
  state.counters["core_to_core_ns"] = machine.core_to_core_ns;
  if (!kernels::same_state(before, after)) state.SetLabel("unsteady");
}

inline void register_case(const std::string& name, std::function<void(benchmark::State&)> run) {
  benchmark::RegisterBenchmark(name.c_str(), std::move(run))
      ->UseRealTime()
      ->Unit(benchmark::kMicrosecond)
      ->MinTime(0.2);
}

// The rest of main(), once all cases are registered.
inline int run_all(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace xlstm::bench
