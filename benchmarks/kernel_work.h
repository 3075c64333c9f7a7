// One call of a kernel, measured beside what the machine gives.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <random>
#include <vector>

#include "benchmarks/bench_pool.h"
#include "benchmarks/measuring.h"
#include "tests/kernels/op_cases.h"
#include "xlstm/kernels/probe/probe.h"

namespace xlstm::bench {

struct Work {
  std::function<void()> call;
  double bytes;       // read and written
  double operations;  // two a multiply-add
};

inline std::vector<float> numbers(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<float> pattern =
      testing::uniform_floats(std::min<std::size_t>(count, 65'536), 1, random);
  std::vector<float> out(count);
  for (std::size_t at = 0; at < count; ++at) out[at] = pattern[at % pattern.size()];
  return out;
}

inline void measure(benchmark::State& state, const Work& work) {
  const kernels::Probe before = kernels::probe_machine(pool());
  std::vector<double> times;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    work.call();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count());
  }
  const kernels::Probe after = kernels::probe_machine(pool());
  const double best = *std::min_element(times.begin(), times.end());
  report(state, times, work.bytes, work.operations, before, after);
  state.counters["best_us"] = best * 1e6;
}

}  // namespace xlstm::bench
