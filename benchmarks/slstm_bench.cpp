// What sLSTM and first-paper layers add to dense ones: the scan, heads' products, convolutions, as
// shares of what the machine can do at that moment. A scan of few rows is to be judged by its
// bytes, R read from the cache at every step, one of many by the multiply-add peak; a decode reads
// its weights from memory.
//
//   bench_slstm --benchmark_filter='slstm_scan.*' --benchmark_repetitions=3
//
// Figures are of the median call. A line marked "unsteady" was measured while the machine changed
// its state; repeat it.
#include <string>
#include <vector>

#include "benchmarks/kernel_work.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/kernels/causal_conv1d/causal_conv1d.h"
#include "xlstm/kernels/headwise/headwise.h"
#include "xlstm/kernels/slstm_scan/slstm_scan.h"

namespace xlstm::bench {
namespace {

// Weights that are read one after the other, and are out of the cache when their turn comes again.
constexpr std::size_t kBeyondCache = std::size_t{192} << 20;

std::vector<std::byte> weights(std::size_t count, DType type) {
  const std::vector<float> values = numbers(count);
  std::vector<std::byte> out(count * size_of(type));
  floats_to(values.data(), count, type, out.data());
  return out;
}

struct HeadShape {
  const char* model;
  std::size_t NH, DH;
};
constexpr HeadShape kHeads[] = {{"tides-1m", 4, 32}, {"tirex-35m", 4, 128}, {"400m", 4, 256}};

void scan(benchmark::State& state, const HeadShape& s, DType type, std::size_t B, std::size_t S) {
  const std::size_t D = s.NH * s.DH, T = B * S, R_elements = 4 * D * s.DH;
  const std::size_t bytes = R_elements * size_of(type);
  const std::size_t copies = S > 1 ? 1 : std::max<std::size_t>(1, kBeyondCache / bytes);
  std::vector<float> gates_if = numbers(T * 2 * D), gates_zo = numbers(T * 2 * D);
  const std::vector<float> bias = numbers(4 * D);
  // Small, as those of a model are that does not run away.
  std::vector<float> R = numbers(R_elements * copies);
  for (float& x : R) x *= 0.1F;
  std::vector<std::byte> typed(R.size() * size_of(type));
  floats_to(R.data(), R.size(), type, typed.data());
  std::vector<float> states(4 * B * D), y(T * D);
  std::vector<kernels::SlstmRow> rows;
  for (std::size_t b = 0; b < B; ++b) {
    float* const at = states.data() + 4 * b * D;
    rows.push_back({at, at + D, at + 2 * D, at + 3 * D, b * S, S});
  }
  std::size_t copy = 0;
  const auto call = [&] {
    kernels::slstm_scan(pool(), {B, s.NH, s.DH},
                        {gates_if.data(), gates_zo.data(), typed.data() + copy * bytes,
                         kernels::weight_type(type), bias.data(), rows.data(), y.data()});
    copy = (copy + 1) % copies;
  };
  const auto tokens = static_cast<double>(T), steps = static_cast<double>(S);
  measure(state,
          {call, steps * static_cast<double>(bytes), 2 * tokens * static_cast<double>(R_elements)});
}

struct GroupShape {
  const char* name;
  std::size_t G, O, I, H;
};
constexpr GroupShape kGroups[] = {{"qkv_of_4_2048", 512, 4, 4, 512},
                                  {"tirex_gates", 8, 128, 128, 4},
                                  {"400m_gates", 8, 256, 256, 4}};

void heads(benchmark::State& state, const GroupShape& s, DType type, std::size_t M) {
  const std::size_t count = s.G * s.O * s.I, bytes = count * size_of(type);
  const std::size_t copies = M > 1 ? 1 : std::max<std::size_t>(1, kBeyondCache / bytes);
  const std::vector<std::byte> W = weights(count * copies, type);
  const std::vector<float> x = numbers(M * s.H * s.I);
  std::vector<float> y(M * s.G * s.O);
  std::size_t copy = 0;
  const auto call = [&] {
    kernels::headwise(pool(),
                      {s.G, s.O, s.I, s.H, W.data() + copy * bytes, kernels::weight_type(type)},
                      x.data(), y.data(), M);
    copy = (copy + 1) % copies;
  };
  measure(state, {call, static_cast<double>(bytes) + 4.0 * static_cast<double>(x.size() + y.size()),
                  2.0 * static_cast<double>(M * count)});
}

void convolution(benchmark::State& state, std::size_t C, std::size_t S) {
  constexpr std::size_t K = 4;
  const std::vector<float> x = numbers(S * C), W = numbers(K * C), bias = numbers(C);
  std::vector<float> window = numbers((K - 1) * C), y(S * C);
  const kernels::ConvRow row{window.data(), 0, S};
  const auto call = [&] {
    kernels::causal_conv1d(pool(), {1, C, K}, {x.data(), W.data(), bias.data(), &row, y.data()});
  };
  const auto count = static_cast<double>(S * C);
  measure(state, {call, 8 * count, 2 * K * count});
}

std::string name_of_case(std::string_view kernel, std::string_view shape, DType type,
                         std::size_t rows, std::size_t tokens) {
  return str(kernel, "/", shape, "/", name_of(type), "/", rows, "x", tokens);
}

void register_all() {
  for (const HeadShape& s : kHeads) {
    for (const DType type : {DType::kF32, DType::kBF16}) {
      for (const auto& [B, S] : {std::pair<std::size_t, std::size_t>(1, 1),
                                 {1, 64},
                                 {1, 512},
                                 {4, 64},
                                 {16, 64},
                                 {64, 64}}) {
        register_case(name_of_case("slstm_scan", s.model, type, B, S),
                      [=](benchmark::State& state) { scan(state, s, type, B, S); });
      }
    }
  }
  for (const GroupShape& s : kGroups) {
    for (const DType type : {DType::kF32, DType::kBF16}) {
      for (const std::size_t M : {1, 64, 512, 4096}) {
        register_case(name_of_case("headwise", s.name, type, M, 1),
                      [=](benchmark::State& state) { heads(state, s, type, M); });
      }
    }
  }
  for (const std::size_t S : {1, 512}) {
    register_case(name_of_case("causal_conv1d", "2048", DType::kF32, 1, S),
                  [=](benchmark::State& state) { convolution(state, 2048, S); });
  }
}

}  // namespace
}  // namespace xlstm::bench

int main(int argc, char** argv) {
  xlstm::bench::register_all();
  return xlstm::bench::run_all(argc, argv);
}
