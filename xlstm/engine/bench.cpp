#include "xlstm/engine/bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/model/model.h"
#include "xlstm/ops/at_once.h"
#include "xlstm/ops/choose.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/ops/ops.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;
using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void check(const BenchOptions& options) {
  const auto want = [](bool ok, const char* field, const char* wanted) {
    if (!ok) fail_wanted(ErrorKind::kUsage, field, wanted, "other");
  };
  for (const int batch : options.batches) want(batch >= 1, "batch", "1 or more");
  for (const std::int64_t at : options.positions) want(at >= 1, "positions", "1 or more");
  for (const int length : options.prefills) want(length >= 1, "prefill", "1 or more");
  want(options.steps >= 2, "steps", "2 or more");
  want(options.repeats >= 1, "repeats", "1 or more");
}

// tokens [B, S], any but always the same.
mx::array some_tokens(int B, std::int64_t S, std::int64_t V) {
  std::vector<int> ids(static_cast<std::size_t>(B) * static_cast<std::size_t>(S));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<int>(i * 7919 % static_cast<std::size_t>(V));
  }
  return mx::array(ids.begin(), {B, static_cast<int>(S)}, mx::int32);
}

// Nodes that have to be computed for `a`.
void count_nodes(const mx::array& a, std::set<const void*>& seen) {
  if (!a.has_primitive() || a.status() == mx::array::Status::available) return;
  if (!seen.insert(&a.primitive()).second) return;
  for (const mx::array& input : a.inputs()) count_nodes(input, seen);
}

// Multiplications and additions of the matrix products for one token, the head aside.
double operations_per_token(const Plan& plan) {
  double weights = 0;
  for (const Layer& layer : plan.layers) {
    if (is_embedding(layer) || is_head(layer)) continue;
    for (const Parameter& parameter : layer.parameters) {
      if (parameter.shape.size() != 2) continue;
      weights += static_cast<double>(parameter.shape[0]) * static_cast<double>(parameter.shape[1]);
    }
  }
  return 2 * weights;
}

double head_operations(const Plan& plan) {
  return 2 * static_cast<double>(plan.V) * static_cast<double>(plan.D);
}

// What one run took a call.
struct Timing {
  double seconds = 0, host = 0;
  double read_gbs = 0;  // from memory, beside it
  std::uint64_t nodes = 0;
};

// Reads token [B, 1]. Returns the likeliest next ones [B, 1].
mx::array greedy_step(const Model& model, ModelState& state, const mx::array& token) {
  ForwardResult result = model.forward(token, std::move(state));
  state = std::move(result.state);
  const int B = state.batch(), V = static_cast<int>(model.plan().V);
  return ops::reshaped(ops::largest(ops::reshaped(result.logits, {B, V})), {B, 1});
}

// `steps` steps, each queued before the token of the last is read, as generate() does on a GPU.
Timing decode_ahead(const Model& model, ModelState& state, mx::array token, int steps) {
  Timing out;
  const auto step = [&] {
    const auto start = Clock::now();
    mx::array next = greedy_step(model, state, token);
    if (out.nodes == 0) {
      std::set<const void*> seen;
      count_nodes(next, seen);
      out.nodes = seen.size();
    }
    ops::evaluate_later({next});
    out.host += since(start);
    return next;
  };
  token = step();
  ops::evaluate({token});
  const auto start = Clock::now();  // nothing is under way
  for (int i = 1; i < steps; ++i) {
    const mx::array next = step();
    ops::evaluate({token});
    token = next;
  }
  ops::evaluate({token});
  out.seconds = since(start) / (steps - 1);
  out.host /= steps;
  return out;
}

// As generate() on the CPU, without a sampler's work: no graph, no queue.
Timing decode_at_once(const Model& model, ModelState& state, mx::array token, int steps) {
  ops::AtOnce at_once;
  token = greedy_step(model, state, token);
  const double kernels_before = at_once.kernel_seconds();
  const auto start = Clock::now();
  for (int i = 1; i < steps; ++i) token = greedy_step(model, state, token);
  Timing out;
  out.seconds = since(start) / (steps - 1);
  out.host = out.seconds - (at_once.kernel_seconds() - kernels_before) / (steps - 1);
  return out;
}

Timing decode(const Model& model, ModelState& state, int steps) {
  const mx::array token = some_tokens(state.batch(), 1, model.plan().V);
  const auto run = ops::on_cpu() ? decode_at_once : decode_ahead;
  const Timing out = run(model, state, token, steps);
  state.eval();
  return out;
}

// `go_on` is asked between the prompt's segments.
Timing prefill(const Model& model, int length, const std::function<bool(std::int64_t)>& go_on) {
  const mx::array tokens = some_tokens(1, length, model.plan().V);
  const auto start = Clock::now();
  ForwardResult result = model.prefill(tokens, model.initial_state(), go_on);
  Timing out;
  std::set<const void*> seen;
  count_nodes(result.logits, seen);
  out.nodes = seen.size();
  out.host = since(start);
  ops::evaluate({result.logits});
  result.state.eval();
  out.seconds = since(start);
  if (out.host > out.seconds / 2) out.host = 0;  // segments were computed meanwhile
  return out;
}

class Bench {
 public:
  Bench(const Model& model, const BenchOptions& options,
        const std::function<void(const BenchFigure&)>& on_figure)
      : model_(model), options_(options), on_figure_(on_figure) {}

  void run() {
    for (const int batch : options_.batches) {
      check_memory(batch);
      ModelState state = model_.initial_state(batch);
      auto positions = options_.positions;
      std::sort(positions.begin(), positions.end());
      for (const std::int64_t position : positions) {
        walk_to(state, position);
        if (stop()) return;
        decode_figure(state, position);
      }
    }
    for (const int length : options_.prefills) {
      if (stop()) return;
      prefill_figure(length);
    }
  }

 private:
  bool stop() const { return options_.cancelled && options_.cancelled(); }

  // States of a large batch may be what does not fit.
  void check_memory(int batch) const {
    const std::uint64_t states = model_.plan().state_bytes() * static_cast<std::uint64_t>(batch);
    if (2 * states <= available_memory_bytes()) return;
    fail_wanted(ErrorKind::kMemory, "batch", str(human_bytes(2 * states), " for states"),
                str(human_bytes(available_memory_bytes()), " left"));
  }

  void walk_to(ModelState& state, std::int64_t position) {
    const auto at = static_cast<std::int64_t>(state.positions.front());
    if (position <= at) return;
    constexpr std::int64_t kAtOnce = 1 << 16;
    for (std::int64_t left = position - at; left > 0 && !stop(); left -= kAtOnce) {
      const mx::array tokens = some_tokens(state.batch(), std::min(left, kAtOnce), model_.plan().V);
      state = model_.prefill(tokens, std::move(state), [&](std::int64_t) { return !stop(); }).state;
      state.eval();
    }
  }

  void decode_figure(ModelState& state, std::int64_t position) {
    BenchFigure figure;
    figure.kind = "decode";
    figure.batch = state.batch();
    figure.position = position;
    const double state_bytes = static_cast<double>(state.bytes());
    // Weights once, states for every sequence.
    const double weights = static_cast<double>(model_.bytes_per_token()) -
                           2 * static_cast<double>(model_.plan().state_bytes());
    figure.bytes_per_call = weights + 2 * state_bytes;
    figure.operations_per_call =
        figure.batch * (operations_per_token(model_.plan()) + head_operations(model_.plan()));
    figure.state_bytes = state.bytes();
    measure(figure, figure.batch, [&] {
      ModelState own = state;  // the position stays what it is
      decode(model_, own, 2);  // the first step copies the state, later ones work in place
      return decode(model_, own, options_.steps);
    });
  }

  void prefill_figure(int length) {
    BenchFigure figure;
    figure.kind = "prefill";
    figure.length = length;
    figure.state_bytes = model_.plan().state_bytes();
    figure.bytes_per_call = static_cast<double>(model_.bytes_per_token());
    figure.operations_per_call =
        length * operations_per_token(model_.plan()) + head_operations(model_.plan());
    measure(figure, length,
            [&] { return prefill(model_, length, [this](std::int64_t) { return !stop(); }); });
  }

  template <class Run>
  void measure(BenchFigure& figure, double tokens, const Run& run) {
    mx::reset_peak_memory();
    const kernels::Probe before = kernels::probe_machine();
    std::vector<Timing> timings = paired_timings(run, figure.steady);
    if (stop()) return;  // the last one may be of a part
    const kernels::Probe after = kernels::probe_machine();
    figure.machine = kernels::mean(before, after);
    figure.steady = figure.steady && kernels::same_state(before, after);
    take(figure, tokens, timings);
    figure.active_bytes = mx::get_active_memory();
    figure.peak_bytes = mx::get_peak_memory();
    figure.resident_bytes = resident_bytes();
    if (options_.profile) {
      start_profile();
      run();
      figure.profile = stop_profile();
    }
    on_figure_(figure);
  }

  // Runs beside which memory was steady; all runs, if there were not enough of these.
  template <class Run>
  std::vector<Timing> paired_timings(const Run& run, bool& enough) {
    const auto wanted = static_cast<std::size_t>(options_.repeats);
    std::vector<Timing> all, steady;
    double before = kernels::probe_read();
    while (steady.size() < wanted && all.size() < 4 * wanted && (all.empty() || !stop())) {
      Timing timing = run();
      const double after = kernels::probe_read();
      timing.read_gbs = (before + after) / 2;
      if (std::abs(before - after) <= 0.1 * std::max(before, after)) steady.push_back(timing);
      all.push_back(timing);
      before = after;
    }
    enough = steady.size() == wanted;
    return enough ? steady : all;
  }

  static void take(BenchFigure& figure, double tokens, std::vector<Timing>& timings) {
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

  const Model& model_;
  const BenchOptions& options_;
  const std::function<void(const BenchFigure&)>& on_figure_;
};

}  // namespace

double BenchFigure::bandwidth_share() const {
  return bytes_per_call / seconds_per_call * 1e-9 / machine.read_gbs;
}

double BenchFigure::peak_share(double peak_gops) const {
  return peak_gops > 0 ? operations_per_call / seconds_per_call * 1e-9 / peak_gops : 0;
}

void run_bench(const Model& model, const BenchOptions& options,
               const std::function<void(const BenchFigure&)>& on_figure) {
  check(options);
  with_memory_told([&] {
    Bench(model, options, on_figure).run();
    mx::synchronize();
  });
}

}  // namespace xlstm
