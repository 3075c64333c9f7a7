// What lies between the dense layers of real models: norms, gates and the mLSTM cell, as shares of
// what the machine can do at that moment. One token's step is to be judged by the read bandwidth
// (its state is read and written), chunks by the multiply-add peak.
//
//   bench_cells --benchmark_filter='400m/.*' --benchmark_repetitions=3
//
// Figures are of the median call. A line marked "unsteady" was measured while the machine changed
// its state; repeat it.
#include <algorithm>
#include <string>
#include <vector>

#include "benchmarks/kernel_work.h"
#include "tests/kernels/row_cases.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/kernels/mlstm_step/mlstm_step.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/kernels/swiglu/swiglu.h"

namespace xlstm::bench {
namespace {

using testing::CellShape;

// The states of all blocks of a model, one after the other, do not fit in the cache; those of the
// smallest do.
constexpr std::size_t kBeyondCache = std::size_t{192} << 20;

// Inputs of the cell as they come: columns of one product.
struct CellInputs {
  std::size_t QK, V;
  std::ptrdiff_t qkv_stride, gate_stride;
  std::vector<float> qkvo, gates, h;

  CellInputs(const CellShape& c, std::size_t tokens)
      : QK(c.NH * c.DHQK),
        V(c.NH * c.DHV),
        qkv_stride(static_cast<std::ptrdiff_t>(2 * QK + 2 * V)),
        gate_stride(static_cast<std::ptrdiff_t>(2 * c.NH)),
        qkvo(numbers(tokens * (2 * QK + 2 * V))),
        gates(numbers(tokens * 2 * c.NH)),
        h(tokens * V) {}
};

void step(benchmark::State& state, const CellShape& c, std::size_t B) {
  CellInputs in(c, B);
  const std::size_t matrix = B * c.NH * c.DHQK * c.DHV;
  const bool cached = std::string(c.model) == "classics-8m";
  const std::size_t copies = cached ? 1 : std::max<std::size_t>(1, kBeyondCache / 4 / matrix);
  std::vector<float> C = numbers(matrix * copies), n(B * in.QK), m(B * c.NH);
  std::vector<kernels::MlstmStatePointers> states(B);
  std::size_t copy = 0;
  const auto call = [&] {
    for (std::size_t b = 0; b < B; ++b) {
      states[b] = {C.data() + copy * matrix + b * in.QK * c.DHV, n.data() + b * in.QK,
                   m.data() + b * c.NH};
    }
    kernels::mlstm_step(pool(), {B, c.NH, c.DHQK, c.DHV, 1e-6F, in.qkv_stride, in.gate_stride},
                        {in.qkvo.data(), in.qkvo.data() + in.QK, in.qkvo.data() + 2 * in.QK,
                         in.gates.data(), in.gates.data() + c.NH, states.data(), in.h.data()});
    copy = (copy + 1) % copies;
  };
  measure(state, {call, 8.0 * static_cast<double>(matrix), 5.0 * static_cast<double>(matrix)});
}

void chunk(benchmark::State& state, const CellShape& c, std::size_t S) {
  CellInputs in(c, S);
  const std::size_t matrix = c.NH * c.DHQK * c.DHV;
  std::vector<float> C(matrix), n(in.QK), m(c.NH);
  const kernels::MlstmStatePointers own = {C.data(), n.data(), m.data()};
  const auto call = [&] {
    kernels::mlstm_chunk(pool(), {1, S, c.NH, c.DHQK, c.DHV, 1e-6F, in.qkv_stride, in.gate_stride},
                         {in.qkvo.data(), in.qkvo.data() + in.QK, in.qkvo.data() + 2 * in.QK,
                          in.gates.data(), in.gates.data() + c.NH, &own, in.h.data()});
  };
  // Chunks of 64: half of the products among tokens, two with C.
  const auto tokens = static_cast<double>(S);
  const double among = 64.0 * static_cast<double>(in.QK + in.V);
  measure(state, {call, 8.0 * static_cast<double>(matrix),
                  tokens * (among + 4.0 * static_cast<double>(matrix))});
}

void norm(benchmark::State& state, const CellShape& c, std::size_t rows) {
  const std::vector<float> x = numbers(rows * c.D), weight = numbers(c.D);
  std::vector<float> y(rows * c.D);
  const auto call = [&] {
    kernels::rms_norm(pool(), x.data(), weight.data(), nullptr, 1e-6F, y.data(), rows, c.D);
  };
  const auto count = static_cast<double>(rows * c.D);
  measure(state, {call, 8 * count, 4 * count});
}

void gated_norm(benchmark::State& state, const CellShape& c, std::size_t rows) {
  CellInputs in(c, rows);
  in.h = numbers(rows * in.V);
  const std::vector<float> weight = numbers(in.V);
  std::vector<float> y(rows * in.V);
  const auto call = [&] {
    kernels::head_norm(pool(),
                       {in.h.data(), weight.data(), nullptr, in.qkvo.data() + 2 * in.QK + in.V,
                        in.qkv_stride, y.data(), 1e-6F, c.NH, c.DHV},
                       rows);
  };
  const auto count = static_cast<double>(rows * in.V);
  measure(state, {call, 12 * count, 20 * count});
}

void gate(benchmark::State& state, const CellShape& c, std::size_t rows) {
  const std::vector<float> in = numbers(rows * 2 * c.F);
  std::vector<float> y(rows * c.F);
  const auto call = [&] { kernels::swiglu(pool(), in.data(), y.data(), rows, c.F); };
  const auto count = static_cast<double>(rows * c.F);
  measure(state, {call, 12 * count, 16 * count});
}

void logits(benchmark::State& state, const CellShape&, std::size_t rows) {
  std::vector<float> z = numbers(rows * 50'304);
  const auto call = [&] { kernels::soft_cap(pool(), z.data(), 30.0F, z.data(), z.size()); };
  const auto count = static_cast<double>(z.size());
  measure(state, {call, 8 * count, 20 * count});
}

using Op = void (*)(benchmark::State&, const CellShape&, std::size_t);

void register_op(const char* name, Op op, std::initializer_list<std::size_t> sizes) {
  for (const CellShape& c : testing::cell_shapes()) {
    for (const std::size_t size : sizes) {
      const std::string full = std::string(c.model) + "/" + name + "/" + std::to_string(size);
      register_case(full, [=](benchmark::State& state) { op(state, c, size); });
    }
  }
}

}  // namespace
}  // namespace xlstm::bench

int main(int argc, char** argv) {
  using namespace xlstm::bench;
  register_op("mlstm_step", step, {1, 8});
  register_op("mlstm_chunk", chunk, {64, 512});
  register_op("rms_norm", norm, {1, 512});
  register_op("head_norm_gated", gated_norm, {1, 512});
  register_op("swiglu", gate, {1, 512});
  register_op("soft_cap_logits", logits, {1});
  return xlstm::bench::run_all(argc, argv);
}
