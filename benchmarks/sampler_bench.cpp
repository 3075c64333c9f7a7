// The choice of tokens on the CPU: rows of V = 50,304 logits through the sampler, by what was asked
// for, and the kernels that it is made of.
//
//   bench_sampler --benchmark_filter='sampler/.*' --threads=1
//
// Rows are peaked (a handful of tokens has nearly all of the mass, as after most words of a text)
// or flat (normally distributed: tens of thousands share it). 27 ids have no token, as in
// xLSTM-7B. Figures are of the median call and of the fastest, per row.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "benchmarks/measuring.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/kernels/choose/choose.h"
#include "xlstm/kernels/cuts/cuts.h"

namespace xlstm::bench {
namespace {

constexpr std::size_t kV = 50'304;
constexpr std::size_t kWithoutToken = 27;

enum class Shape { kPeaked, kFlat };

std::vector<float> row_of(Shape shape, unsigned seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> row(kV);
  for (float& l : row) l = normal(random) * (shape == Shape::kPeaked ? 2.0F : 1.0F);
  if (shape == Shape::kPeaked) {
    for (int i = 0; i < 12; ++i) row[random() % kV] = 18.0F - static_cast<float>(i);
  }
  return row;
}

struct Setting {
  const char* name;
  Sampling sampling;
};

std::vector<Setting> settings() {
  return {
      {"greedy", {.temperature = 0}},
      {"temperature", {.temperature = 0.8F}},
      {"top_k", {.temperature = 0.8F, .top_k = 50}},
      {"top_k_5000", {.temperature = 0.8F, .top_k = 5000}},
      {"top_p", {.temperature = 0.8F, .top_p = 0.9F}},
      {"min_p", {.temperature = 0.8F, .min_p = 0.05F}},
      {"all", {.temperature = 0.8F, .top_k = 50, .top_p = 0.9F, .min_p = 0.05F}},
      {"all_penalties",
       {.repetition_penalty = 1.1F,
        .presence_penalty = 0.1F,
        .frequency_penalty = 0.1F,
        .temperature = 0.8F,
        .top_k = 50,
        .top_p = 0.9F,
        .min_p = 0.05F}},
  };
}

template <class Call>
void measure(benchmark::State& state, std::size_t rows, const Call& call) {
  std::vector<double> times;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    call();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    times.push_back(took.count() / static_cast<double>(rows));
  }
  state.counters["best_us"] = 1e6 * *std::min_element(times.begin(), times.end());
  state.counters["median_us"] = 1e6 * median_of(times);
}

// Tokens of a text of `tokens` tokens, some often.
std::vector<std::int32_t> text_of(std::size_t tokens) {
  std::mt19937_64 random(9);
  std::exponential_distribution<double> skewed(1.0 / 3000);
  std::vector<std::int32_t> ids(tokens);
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(skewed(random)) % 50'000;
  return ids;
}

void sampler(benchmark::State& state, Backend& backend, const Setting& setting, Shape shape) {
  std::vector<std::int32_t> never(kWithoutToken);
  for (std::size_t i = 0; i < kWithoutToken; ++i) {
    never[i] = static_cast<std::int32_t>(kV - kWithoutToken + i);
  }
  const Tensor logits = backend.floats({1, kV}, row_of(shape, 1));
  const auto from = backend.sampler(setting.sampling, 1, kV, never);
  from->see(text_of(2000));
  measure(state, 1, [&] { benchmark::DoNotOptimize(backend.sample(*from, logits)); });
}

void register_samplers(Backend& backend) {
  for (const Setting& setting : settings()) {
    for (const Shape shape : {Shape::kPeaked, Shape::kFlat}) {
      const std::string name =
          std::string("sampler/") + setting.name + (shape == Shape::kPeaked ? "/peaked" : "/flat");
      register_case(name, [&backend, setting, shape](benchmark::State& state) {
        sampler(state, backend, setting, shape);
      });
    }
  }
}

template <class Call>
void register_kernel(const std::string& name, const Call& call) {
  register_case("kernel/" + name, [call](benchmark::State& state) {
    const std::vector<float> row = row_of(Shape::kFlat, 1);
    measure(state, 1, [&] { benchmark::DoNotOptimize(call(row.data())); });
  });
}

void register_kernels() {
  register_kernel("argmax", [](const float* row) { return kernels::argmax(row, kV); });
  register_kernel("sum", [](const float* row) { return kernels::sum(row, kV); });
  register_kernel("log_sum_exp", [](const float* row) { return kernels::log_sum_exp(row, kV); });
  struct Work {
    std::vector<float> maxima = std::vector<float>(kV / kernels::kMaximaBlock + 1);
    std::vector<float> values = std::vector<float>(kV), work = values;
    std::vector<std::int32_t> ids = std::vector<std::int32_t>(values.size());
    std::vector<std::uint64_t> allowed = std::vector<std::uint64_t>(kV / 64, 0x5A5AFFFF0000FFFF);
  };
  const auto work = std::make_shared<Work>();
  register_kernel("block_maxima", [work](const float* row) {
    return kernels::block_maxima(row, kV, work->maxima.data());
  });
  register_kernel("keep_allowed", [work](const float* row) {
    kernels::keep_allowed(row, kV, work->allowed.data(), work->values.data());
    return 0;
  });
  register_kernel("collect_half", [work](const float* row) {
    std::fill(work->maxima.begin(), work->maxima.end(), 10.0F);
    return kernels::collect(row, kV, work->maxima.data(), 0, work->values.data(), work->ids.data());
  });
  register_kernel("cut_at_count_5000", [work](const float* row) {
    return kernels::cut_at_count(row, kV, 5000, work->work.data());
  });
  register_kernel("cut_at_mass_0.9", [work](const float* row) {
    return kernels::cut_at_mass(row, kV, *std::max_element(row, row + kV), 0.8F, 0.9,
                                work->work.data());
  });
  register_kernel("draw",
                  [](const float* row) { return kernels::sample_categorical(row, kV, 0.8F, 0.5); });
}

}  // namespace
}  // namespace xlstm::bench

int main(int argc, char** argv) {
  const std::unique_ptr<xlstm::Backend> backend = xlstm::cpu::make_backend(1);
  xlstm::bench::register_samplers(*backend);
  xlstm::bench::register_kernels();
  return xlstm::bench::run_all(argc, argv);
}
