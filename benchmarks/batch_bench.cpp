// What batches and trials cost beside a step: joining and leaving, and keeping the first tokens of
// several that were read at once.
//
//   bench_batch [MODEL | synthetic SIZE] [BITS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/engine.h"
#include "xlstm/model/trial.h"

namespace xlstm {
namespace {

// The least time of several runs, in microseconds; `prepare` is not measured.
double microseconds(const std::function<void()>& prepare, const std::function<void()>& run) {
  double least = 1e300;
  for (int i = 0; i < 15; ++i) {
    prepare();
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    least = std::min(least, took.count());
  }
  return least;
}

std::vector<std::int32_t> some_ids(std::int64_t count, std::int64_t V) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < count; ++i) ids.push_back(static_cast<std::int32_t>(i * 7919 % V));
  return ids;
}

State after_some_tokens(const Model& model) {
  const auto states = model.initial_states();
  model.prefill(some_ids(20, model.plan().V), *states);
  State state = states->remove(0);
  evaluate(model.backend(), state);
  return state;
}

void measure_joins(const Model& model, const State& start) {
  std::printf("%8s %12s %12s\n", "rows", "join us", "leave us");
  for (const std::size_t rows : {0U, 1U, 16U, 64U, 256U}) {
    const auto states = model.backend().state_batch();
    for (std::size_t row = 0; row < rows; ++row) states->add(start);
    State joining, left;
    const double join = microseconds(
        [&] {
          if (states->rows() > rows) states->remove(rows);
          joining = start;
        },
        [&] {
          states->add(std::move(joining));
          states->evaluate();
        });
    const double leave = microseconds(
        [&] {
          if (states->rows() <= rows) states->add(start);
        },
        [&] {
          left = states->remove(rows / 2);
          evaluate(model.backend(), left);
        });
    std::printf("%8zu %12.1f %12.1f\n", rows, join, leave);
  }
}

void measure_trials(const Model& model, const State& start) {
  Backend& b = model.backend();
  std::printf("%8s %12s %12s %12s %12s\n", "tokens", "read us", "on trial us", "accept us",
              "read half us");
  std::unique_ptr<StateBatch> states;
  const auto restart = [&] {
    states = model.states_of(start);
    states->make_writable(0);  // a state of its own, as a sequence has that goes on
  };
  for (const std::int64_t S : {1, 2, 4, 8, 16, 64}) {
    const auto ids = some_ids(S, model.plan().V);
    const auto read = [&](std::int64_t count) {
      const auto part = std::span(ids).first(static_cast<std::size_t>(count));
      b.evaluate(std::vector{model.forward(b.ids({1, count}, part), *states, Positions::kAll)});
      states->evaluate();
    };
    const double plain = microseconds(restart, [&] { read(S); });
    std::optional<Trial> trial;
    const auto begin_trial = [&] {
      trial.emplace(model, *states, ids);
      b.evaluate(std::vector{trial->logits()});
      states->evaluate();
    };
    const double on_trial = microseconds(restart, begin_trial);
    const double accept = microseconds(
        [&] {
          restart();
          begin_trial();
        },
        [&] {
          const std::int64_t half = (S + 1) / 2;
          trial->accept(std::span(&half, 1));
          states->evaluate();
        });
    const double again = microseconds(restart, [&] { read((S + 1) / 2); });
    std::printf("%8lld %12.1f %12.1f %12.1f %12.1f\n", static_cast<long long>(S), plain, on_trial,
                accept, again);
  }
}

void run(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  EngineOptions options;
  options.device = "cpu";
  const bool is_synthetic = !arguments.empty() && arguments[0] == "synthetic";
  const std::size_t bits_at = is_synthetic ? 2 : 1;
  if (arguments.size() > bits_at) {
    options.quantization = Quantization{.bits = std::stoi(arguments[bits_at])};
  }
  const Model model = is_synthetic
                          ? open_synthetic(arguments.at(1), options)
                          : Engine::open(arguments.empty() ? "" : arguments[0], options).model();
  const State start = after_some_tokens(model);
  std::printf("%s, state %s, weights %s\n", model.plan().name.c_str(),
              human_bytes(start.bytes()).c_str(), human_bytes(model.weight_bytes()).c_str());
  measure_joins(model, start);
  measure_trials(model, start);
}

}  // namespace
}  // namespace xlstm

int main(int argc, char** argv) {
  try {
    xlstm::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_batch: %s\n", error.what());
    return 1;
  }
}
