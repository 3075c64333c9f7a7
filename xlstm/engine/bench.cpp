#include "xlstm/engine/bench.h"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "xlstm/base/bad_alloc.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/bench_measuring.h"
#include "xlstm/generate/stopwatch.h"
#include "xlstm/model/model.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace {

// Ids [B, S], any but always the same.
std::vector<std::int32_t> some_ids(std::size_t B, std::int64_t S, std::int64_t V) {
  std::vector<std::int32_t> ids(B * static_cast<std::size_t>(S));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<std::int32_t>(i * 7919 % static_cast<std::size_t>(V));
  }
  return ids;
}

// Multiplications and additions of a layer's matrix products, for one token.
double operations_of(const Layer& layer, std::int64_t V, std::int64_t D) {
  if (is_embedding(layer)) return 0;
  if (is_head(layer) && layer.parameters.empty()) {  // tied
    return 2 * static_cast<double>(V) * static_cast<double>(D);
  }
  double sum = 0;
  for (const Parameter& each : layer.parameters) {
    if (each.shape.size() != 2) continue;
    sum += 2 * static_cast<double>(each.shape[0]) * static_cast<double>(each.shape[1]);
  }
  return sum;
}

// For one token, the head aside, and of the head.
double operations_per_token(const Plan& plan) {
  double sum = 0;
  for (const Layer& layer : plan.layers) {
    if (!is_head(layer)) sum += operations_of(layer, plan.V, plan.D);
  }
  return sum;
}

double head_operations(const Plan& plan) {
  return operations_of(plan.layers.back(), plan.V, plan.D);
}

// Logits [B, V] -> the next tokens [B].
using Choose = std::function<Tensor(const Tensor& logits)>;

// By a sampler for each of B rows, or the likeliest.
Choose choice(const Model& model, std::size_t B, bool by_sampler) {
  Backend& b = model.backend();
  if (!by_sampler) return [&b](const Tensor& logits) { return b.argmax(logits); };
  std::vector<std::shared_ptr<Sampler>> samplers;
  for (std::uint64_t seed = 0; seed < B; ++seed) {
    samplers.push_back(b.sampler(bench_sampling(), seed, model.plan().V, {}));
  }
  return [&b, samplers](const Tensor& logits) {
    std::vector<Sampler*> rows;
    for (const auto& each : samplers) rows.push_back(each.get());
    return b.sample(rows, logits);
  };
}

// `steps` steps as generate() takes them. On a lazy backend each is queued before the token of the
// last is read.
Timing decode(const Model& model, StateBatch& states, int steps, const Choose& choose) {
  Backend& b = model.backend();
  const auto B = static_cast<std::int64_t>(states.rows());
  Tensor token = b.ids({B, 1}, some_ids(states.rows(), 1, model.plan().V));
  Timing out;
  const auto step = [&] {
    const Stopwatch of_step;
    Tensor next = b.reshape(choose(model.forward(token, states)), {B, 1});
    if (out.nodes == 0) out.nodes = b.graph_nodes(std::array{next});
    b.evaluate_async(std::array{next});
    if (b.is_lazy()) out.host += of_step.seconds() / steps;
    return next;
  };
  token = step();
  b.evaluate(std::array{token});
  const Stopwatch watch;  // nothing is under way
  for (int i = 1; i < steps; ++i) {
    const Tensor next = step();
    b.evaluate(std::array{token});
    token = next;
  }
  b.evaluate(std::array{token});
  out.seconds = watch.seconds() / (steps - 1);
  states.evaluate();
  return out;
}

// `go_on` is asked between the prompt's segments.
Timing prefill(const Model& model, int length, const std::function<bool(std::int64_t)>& go_on) {
  Backend& b = model.backend();
  const std::vector<std::int32_t> ids = some_ids(1, length, model.plan().V);
  const std::unique_ptr<StateBatch> states = model.initial_states();
  const Stopwatch watch;
  const Tensor logits = model.prefill(ids, *states, go_on);
  Timing out;
  out.nodes = b.graph_nodes(std::array{logits});
  if (b.is_lazy()) out.host = watch.seconds();
  b.evaluate(std::array{logits});
  states->evaluate();
  out.seconds = watch.seconds();
  if (out.host > out.seconds / 2) out.host = 0;  // segments were computed meanwhile
  return out;
}

class Bench {
 public:
  Bench(const Model& model, const BenchOptions& options,
        const std::function<void(const BenchFigure&)>& on_figure)
      : model_(model), options_(options), measuring_(model.backend(), options, on_figure) {}

  void run() {
    for (const int batch : options_.batches) {
      check_memory(batch);
      std::vector<State> states(static_cast<std::size_t>(batch), model_.initial_state());
      auto positions = options_.positions;
      std::sort(positions.begin(), positions.end());
      for (const std::int64_t position : positions) {
        walk_to(states, position);
        if (stop()) return;
        decode_figure(states, position);
      }
    }
    for (const int length : options_.prefills) {
      if (stop()) return;
      prefill_figure(length);
    }
  }

 private:
  bool stop() const { return measuring_.stop(); }

  // States of a large batch may be what does not fit.
  void check_memory(int batch) const {
    const std::uint64_t states = model_.plan().state_bytes() * static_cast<std::uint64_t>(batch);
    if (2 * states <= available_memory_bytes()) return;
    fail_wanted(ErrorKind::kMemory, "batch", str(human_bytes(2 * states), " for states"),
                str(human_bytes(available_memory_bytes()), " left"));
  }

  std::unique_ptr<StateBatch> batch_of(const std::vector<State>& states) const {
    std::unique_ptr<StateBatch> batch = model_.backend().state_batch();
    for (const State& state : states) batch->add(state);
    return batch;
  }

  void walk_to(std::vector<State>& states, std::int64_t position) {
    const auto at = static_cast<std::int64_t>(states.front().position);
    if (position <= at) return;
    constexpr std::int64_t kAtOnce = 1 << 16;
    const std::unique_ptr<StateBatch> batch = batch_of(states);
    states.clear();
    for (std::int64_t left = position - at; left > 0 && !stop(); left -= kAtOnce) {
      const auto ids = some_ids(batch->rows(), std::min(left, kAtOnce), model_.plan().V);
      model_.prefill(ids, *batch, [&](std::int64_t) { return !stop(); });
      batch->evaluate();
    }
    while (batch->rows() > 0) {
      states.push_back(batch->remove(0));
      evaluate(model_.backend(), states.back());
    }
  }

  void decode_figure(const std::vector<State>& states, std::int64_t position) {
    BenchFigure figure;
    figure.kind = "decode";
    figure.batch = static_cast<int>(states.size());
    figure.position = position;
    figure.sampler = options_.sampler;
    figure.state_bytes = states.front().bytes() * states.size();
    // Weights once, states for every sequence.
    const double weights = static_cast<double>(model_.bytes_per_token()) -
                           2 * static_cast<double>(model_.plan().state_bytes());
    figure.bytes_per_call = weights + 2 * static_cast<double>(figure.state_bytes);
    figure.operations_per_call =
        figure.batch * (operations_per_token(model_.plan()) + head_operations(model_.plan()));
    const Choose choose = choice(model_, states.size(), options_.sampler);
    measuring_.measure(figure, figure.batch, [&](const Measuring::Begin& begin) {
      const std::unique_ptr<StateBatch> batch = batch_of(states);  // forks: the position stays
      decode(model_, *batch, 2, choose);  // the first step copies the states, later ones do not
      begin();
      return decode(model_, *batch, options_.steps, choose);
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
    measuring_.measure(figure, length, [&](const Measuring::Begin& begin) {
      begin();
      return prefill(model_, length, [this](std::int64_t) { return !stop(); });
    });
  }

  const Model& model_;
  const BenchOptions& options_;
  Measuring measuring_;
};

}  // namespace

Sampling bench_sampling() {
  return {.temperature = 0.8F, .top_k = 50, .top_p = 0.9F, .min_p = 0.05F};
}

void run_bench(const Model& model, const BenchOptions& options,
               const std::function<void(const BenchFigure&)>& on_figure) {
  check_bench(options);
  translate_bad_alloc([&] {
    Bench(model, options, on_figure).run();
    model.backend().synchronize();
  });
}

std::vector<TunedChoice> tune_bench(const Model& model, const BenchOptions& options,
                                    const std::function<void(const TunedChoice&)>& on_choice) {
  check_bench(options);
  const auto seconds = [&](const TuningChoice& choice) {
    BenchOptions of_choice = options;
    if (choice.work == TunedWork::kDecode) {
      of_choice.prefills.clear();
      if (of_choice.batches.empty()) of_choice.batches = {1};
      if (of_choice.positions.empty()) of_choice.positions = {100};
    } else {
      of_choice.batches.clear();
      if (of_choice.prefills.empty()) of_choice.prefills = {512};
    }
    double sum = 0;
    run_bench(model, of_choice, [&](const BenchFigure& figure) { sum += figure.seconds_per_call; });
    return sum;
  };
  return tune(model.backend(), seconds, on_choice);
}

}  // namespace xlstm
