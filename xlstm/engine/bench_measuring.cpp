#include "xlstm/engine/bench_measuring.h"

#include <algorithm>
#include <cmath>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"

namespace xlstm {
namespace {

void take(BenchFigure& figure, double tokens, std::vector<Timing>& timings) {
  const auto rate = [&](const Timing& t) { return tokens / t.seconds; };
  const bool by_share = figure.kind == "decode";
  std::sort(timings.begin(), timings.end(), [&](const Timing& a, const Timing& b) {
    return by_share ? a.seconds * a.read_gbs < b.seconds * b.read_gbs : a.seconds < b.seconds;
  });
  const Timing& median = timings[timings.size() / 2];
  figure.seconds_per_call = median.seconds;
  figure.host_seconds = median.host;
  figure.nodes = median.nodes;
  figure.machine.read_gbs = median.read_gbs;
  figure.tokens_per_second = figure.slowest = figure.fastest = rate(median);
  for (const Timing& timing : timings) {
    figure.slowest = std::min(figure.slowest, rate(timing));
    figure.fastest = std::max(figure.fastest, rate(timing));
  }
}

}  // namespace

void check_bench(const BenchOptions& options) {
  const auto want = [](bool ok, const char* field, const char* wanted) {
    if (!ok) fail_wanted(ErrorKind::kUsage, field, wanted, "other");
  };
  for (const int batch : options.batches) want(batch >= 1, "batch", "1 or more");
  for (const std::int64_t at : options.positions) want(at >= 1, "positions", "1 or more");
  for (const int length : options.prefills) want(length >= 1, "prefill", "1 or more");
  want(options.steps >= 2, "steps", "2 or more");
  want(options.repeats >= 1, "repeats", "1 or more");
}

void Measuring::measure(BenchFigure& figure, double tokens, const Run& run) const {
  const kernels::Probe before = probe(figure);
  std::vector<Timing> timings = paired_timings(run, figure.steady);
  if (stop()) return;  // the last one may be of a part
  const kernels::Probe after = probe(figure);
  figure.machine = kernels::mean(before, after);
  figure.steady = figure.steady && kernels::same_state(before, after);
  take(figure, tokens, timings);
  figure.active_bytes = backend_.memory().active;
  figure.peak_bytes = backend_.memory().peak;
  figure.resident_bytes = resident_bytes();
  if (options_.profile) {
    run([&] { backend_.start_profile(); });
    figure.profile = backend_.stop_profile();
  }
  on_figure_(figure);
}

// What the figure's shares are of: the device where it is one of its own, else this machine.
kernels::Probe Measuring::probe(BenchFigure& figure) const {
  figure.device = backend_.device_rates();
  if (!figure.device) return kernels::probe_machine(backend_.threads());
  kernels::Probe out;
  out.read_gbs = figure.device->copy_gbs;
  out.peak_gflops = figure.device->float32_gflops;
  out.bf16_gflops = figure.device->bf16_gflops;
  return out;
}

double Measuring::probe_memory() const {
  const double copy = backend_.device_copy_rate();
  return copy > 0 ? copy : kernels::probe_read(backend_.threads());
}

// Runs beside which memory was steady; all runs, if there were not enough of these.
std::vector<Timing> Measuring::paired_timings(const Run& run, bool& enough) const {
  const auto wanted = static_cast<std::size_t>(options_.repeats);
  std::vector<Timing> all, steady;
  double before = probe_memory();
  while (steady.size() < wanted && all.size() < 4 * wanted && (all.empty() || !stop())) {
    Timing timing = run([] {});
    const double after = probe_memory();
    timing.read_gbs = (before + after) / 2;
    const bool held_still = std::abs(before - after) <= 0.1 * std::max(before, after);
    if (agreed(backend_.group(), held_still)) steady.push_back(timing);
    all.push_back(timing);
    before = after;
  }
  enough = steady.size() == wanted;
  return enough ? steady : all;
}

double BenchFigure::series_per_second() const {
  return kind == "forecast" ? tokens_per_second / length : 0;
}

double BenchFigure::bandwidth_share() const {
  return bytes_per_call / seconds_per_call * 1e-9 / machine.read_gbs;
}

double BenchFigure::peak_share(double peak_gops) const {
  return peak_gops > 0 ? operations_per_call / seconds_per_call * 1e-9 / peak_gops : 0;
}

}  // namespace xlstm
