// linear() over the layers of real models, as shares of what the machine can do at that moment:
// few rows are to be judged by the read bandwidth, many by the multiply-add peak.
//
//   bench_linear --benchmark_filter='400m/.*/bf16' --benchmark_repetitions=5
//
// GB/s, GFLOP/s, %read and %peak are of the median call. A line marked "unsteady" was measured
// while the machine changed its state; repeat it.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/bench_pool.h"
#include "benchmarks/measuring.h"
#include "tests/kernels/linear_cases.h"
#include "xlstm/base/dtype.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/probe/probe.h"

namespace xlstm::bench {
namespace {

using kernels::Probe;
using kernels::probe_machine;
using kernels::WeightType;
using testing::LinearLayer;

constexpr std::size_t kBeyondCache = std::size_t{192} << 20;
constexpr std::size_t kMostBytes = std::size_t{900} << 20;

// Numbers of a trained model's size in the wanted type, repeated after a while.
std::vector<std::byte> some_weights(WeightType type, std::size_t bytes) {
  constexpr std::size_t kPattern = 16'384;
  std::mt19937_64 random(1);
  std::uniform_real_distribution<float> draw(-0.1F, 0.1F);
  std::vector<std::byte> pattern(kPattern * kernels::weight_bytes(type));
  for (std::size_t at = 0; at < kPattern; ++at) {
    const float value = draw(random);
    // The half's exponent is kept below its middle: about as small.
    const std::uint16_t half = type == WeightType::kBF16
                                   ? bf16_from_float(value)
                                   : static_cast<std::uint16_t>(random() & 0x8FFFU) | 0x2000U;
    if (type == WeightType::kF32) {
      std::memcpy(pattern.data() + at * 4, &value, 4);
    } else {
      std::memcpy(pattern.data() + at * 2, &half, 2);
    }
  }
  std::vector<std::byte> all(bytes);
  for (std::size_t at = 0; at < bytes; at += pattern.size()) {
    std::memcpy(all.data() + at, pattern.data(), std::min(pattern.size(), bytes - at));
  }
  return all;
}

void run(benchmark::State& state, const LinearLayer& layer, WeightType type, std::size_t M) {
  const std::size_t bytes = layer.N * layer.K * kernels::weight_bytes(type);
  // The small model lives in the cache as a whole; of others, no layer is there when it is wanted.
  const bool cached = std::string(layer.model) == "classics-8m";
  const std::size_t copies = cached ? 1 : std::max<std::size_t>(1, kBeyondCache / bytes);
  const std::vector<std::byte> W = some_weights(type, bytes * copies);
  const std::vector<float> x(M * layer.K, 0.5F);
  std::vector<float> y(M * layer.N);

  const Probe before = probe_machine(pool());
  std::vector<double> times;
  std::size_t copy = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    kernels::linear(pool(), x.data(), static_cast<std::ptrdiff_t>(layer.K), W.data() + copy * bytes,
                    type, nullptr, y.data(), static_cast<std::ptrdiff_t>(layer.N), M, layer.N,
                    layer.K);
    benchmark::DoNotOptimize(y.data());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count());
    copy = (copy + 1) % copies;
  }
  const Probe after = probe_machine(pool());
  const double operations = 2.0 * static_cast<double>(M * layer.N) * static_cast<double>(layer.K);
  report(state, times, static_cast<double>(bytes), operations, before, after);
}

void register_all() {
  for (const LinearLayer& layer : testing::linear_layers()) {
    for (const WeightType type : testing::kWeightTypes) {
      if (layer.N * layer.K * kernels::weight_bytes(type) > kMostBytes) continue;
      for (const std::size_t M : {1, 2, 4, 8, 16, 32, 128, 512}) {
        const std::string name = std::string(layer.model) + "/" + layer.layer + "/" +
                                 testing::name_of(type) + "/M:" + std::to_string(M);
        register_case(name, [=](benchmark::State& state) { run(state, layer, type, M); });
      }
    }
  }
}

}  // namespace
}  // namespace xlstm::bench

int main(int argc, char** argv) {
  xlstm::bench::register_all();
  return xlstm::bench::run_all(argc, argv);
}
