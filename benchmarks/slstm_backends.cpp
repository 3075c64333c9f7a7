// The sLSTM scan of the CPU's kernels beside MLX's plain definition on MLX's own CPU device, 512
// tokens of one sequence.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <vector>

#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/mlx/mlx_backend.h"

namespace xlstm {
namespace {

constexpr std::int64_t kTokens = 512;

std::vector<float> uniform(std::int64_t count, float range) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> draw(-range, range);
  std::vector<float> out(static_cast<std::size_t>(count));
  for (float& x : out) x = draw(random);
  return out;
}

// The least time of some scans from a fresh state, in seconds.
double seconds_of(Backend& b, std::int64_t NH, std::int64_t DH) {
  const std::int64_t D = NH * DH;
  const Tensor gates_if = b.floats({kTokens, 2 * D}, uniform(kTokens * 2 * D, 2));
  const Tensor gates_zo = b.floats({kTokens, 2 * D}, uniform(kTokens * 2 * D, 2));
  const SlstmWeights weights =
      b.prepare(SlstmWeights{b.floats({NH, DH, 4 * DH}, uniform(4 * D * DH, 0.1F)),
                             b.floats({NH, 4 * DH}, uniform(4 * D, 1))});
  double least = 1e300;
  for (int i = 0; i < 4; ++i) {
    const auto states = b.state_batch();
    const Tensor zeros = b.filled({NH, DH}, 0);
    states->add({{zeros, zeros, zeros, zeros}});
    states->evaluate();
    b.evaluate(std::vector{gates_if, gates_zo});
    const auto start = std::chrono::steady_clock::now();
    b.evaluate(std::vector{b.slstm_scan(gates_if, gates_zo, weights, {*states, 0})});
    states->evaluate();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    least = std::min(least, took.count());
  }
  return least;
}

void run() {
  const auto kernels = cpu::make_backend();
  const auto definition = mlx::make_backend({.device = mlx::DeviceKind::kCpu});
  std::printf("%12s %12s %12s %8s\n", "heads", "kernel ms", "MLX ms", "times");
  for (const auto& [NH, DH] : {std::pair<std::int64_t, std::int64_t>(4, 32), {4, 128}, {4, 256}}) {
    const double own = seconds_of(*kernels, NH, DH), plain = seconds_of(*definition, NH, DH);
    std::printf("%6lld x %3lld %12.2f %12.1f %8.1f\n", static_cast<long long>(NH),
                static_cast<long long>(DH), own * 1e3, plain * 1e3, plain / own);
  }
}

}  // namespace
}  // namespace xlstm

int main() {
  try {
    xlstm::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_slstm_backends: %s\n", error.what());
    return 1;
  }
}
