// How fast TiRex-2 forecasts: 82 million parameters with random weights, or a model's folder.
//
//   bench_tirex2 [FOLDER] [THREADS]      random weights, 2
//
// Whole contexts and a horizon of one patch: single targets, one or several at once, and a target
// with a past and a known covariate; then a stream that reads a patch and forecasts. The median
// time, and the rate of the products with weights as a share of what the machine's float32
// instructions gave before and after. Repeat lines marked ~: the machine had other work.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "benchmarks/measuring.h"
#include "xlstm/base/error.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/forecast/operations.h"
#include "xlstm/forecast/tirex2/tirex2_model.h"
#include "xlstm/kernels/probe/probe.h"
#include "xlstm/model/tirex2/synthetic.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::bench {
namespace {

using Clock = std::chrono::steady_clock;

Checkpoint open(const std::string& folder) {
  if (!folder.empty()) return Checkpoint::open(folder);
  Synthetic synthetic = tirex2::make_synthetic_82m();
  return Checkpoint::in_memory("tirex2-82m", synthetic.config_json, std::move(synthetic.source));
}

Values wave(std::int64_t length, std::size_t kind) {
  Values values;
  const auto rate = 0.01F * static_cast<float>(kind + 1);
  for (std::int64_t t = 0; t < length; ++t)
    values.push_back(std::sin(static_cast<float>(t) * rate));
  return values;
}

class Bench {
 public:
  Bench(const tirex2::Tirex2Model& model, ThreadPool& pool) : model_(model), pool_(pool) {}

  void run_all() {
    const tirex2::SeriesSpec& spec = model_.spec();
    const std::int64_t context = spec.context / spec.P, all = context + spec.future / spec.P;
    for (const std::size_t count : {1, 8, 64}) {
      std::vector<Series> series(count);
      for (std::size_t i = 0; i < count; ++i) series[i].targets = {wave(spec.context, i)};
      const auto rows = static_cast<std::int64_t>(count);
      measure(str(count, count == 1 ? " target" : " targets, each alone"), {rows, 0, 0, context},
              count > 8 ? 3 : 9, [&] { forecast(series); });
    }
    const std::vector<Series> covariates = {
        {{wave(spec.context, 0)}, {wave(spec.context, 1)}, {wave(spec.context + spec.future, 2)}}};
    measure("target, past and known covariate", {3, 3, 1, all}, 9, [&] { forecast(covariates); });
    const auto stream = model_.stream(1, 0);
    stream->append(std::vector<Values>{wave(spec.context, 0)});
    const std::vector<Values> patch = {wave(spec.P, 0)};
    measure("stream: a patch and a forecast", {1, 0, 0, 1}, 31, [&] {
      stream->append(patch);
      stream->forecast({.horizon = spec.P});
    });
  }

 private:
  void forecast(const std::vector<Series>& series) const {
    model_.forecast(series, {.horizon = model_.spec().P});
  }

  void measure(const std::string& name, const ForecastWork& work, int repeats,
               const std::function<void()>& run) const {
    run();
    std::vector<double> times;
    const kernels::Probe before = kernels::probe_machine(pool_);
    for (int repeat = 0; repeat < repeats; ++repeat) {
      const auto start = Clock::now();
      run();
      times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    }
    const kernels::Probe after = kernels::probe_machine(pool_);
    const double seconds = median_of(times);
    const double rate = product_operations(model_.loaded().plan, work) / seconds * 1e-9;
    const double peak = kernels::mean(before, after).peak_gflops;
    std::printf("%-34s %9.2f ms %7.1f GFLOP/s %5.1f%% of %.0f%s\n", name.c_str(), seconds * 1e3,
                rate, 100 * rate / peak, peak, kernels::same_state(before, after) ? "" : " ~");
    std::fflush(stdout);
  }

  const tirex2::Tirex2Model& model_;
  ThreadPool& pool_;
};

void run(const std::string& folder, std::size_t threads) {
  const Checkpoint checkpoint = open(folder);
  if (checkpoint.plan.family != "tirex-2") {
    fail_wanted(ErrorKind::kUsage, folder, "a TiRex-2 model", checkpoint.plan.family);
  }
  const std::shared_ptr<Backend> backend = cpu::make_backend(threads);
  const tirex2::Tirex2Model model(
      tirex2::Network::load(checkpoint.plan, *checkpoint.tensors, backend));
  Bench(model, backend->threads()).run_all();
}

}  // namespace
}  // namespace xlstm::bench

int main(int argc, char** argv) {
  try {
    const std::size_t threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
    xlstm::bench::run(argc > 1 ? argv[1] : "", threads);
    return 0;
  } catch (const xlstm::Error& error) {
    std::fprintf(stderr, "bench_tirex2: %s\n", error.what());
    return 1;
  }
}
