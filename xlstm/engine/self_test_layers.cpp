#include <array>
#include <cmath>
#include <cstdint>
#include <memory>

#include "xlstm/engine/self_test_checks.h"
#include "xlstm/kernels/causal_conv1d/causal_conv1d.h"
#include "xlstm/kernels/headwise/headwise.h"
#include "xlstm/kernels/row_attention/row_attention.h"
#include "xlstm/kernels/slstm_scan/slstm_scan.h"

namespace xlstm {
namespace {

constexpr double kEps = SelfTestChecks::kEps;

void check_headwise(SelfTestChecks& t) {
  constexpr int T = 9, H = 3, G = 6, O = 20, I = 40;
  const auto x = t.numbers(T * H * I, 1, 30), w = t.numbers(G * O * I, 1, 31);
  const auto bias = t.numbers(G * O, 1, 32);
  std::vector<float> truth = zeros(T * G * O);
  kernels::headwise_reference({G, O, I, H, w.data(), kernels::WeightType::kF32, bias.data()},
                              x.data(), truth.data(), T);
  const Headwise weights = t.b.prepare(Headwise{t.weights({G, O, I}, w), t.weights({G * O}, bias)});
  const Tensor y = t.b.headwise_linear(t.activations({T, H * I}, x), weights);
  // As `linear`, of I terms.
  t.compare("headwise_linear", y, truth,
            (kEps * (I + 1) + t.input_rounding()) * 4 + 2 * t.type_eps());
}

void check_conv(SelfTestChecks& t) {
  constexpr int B = 2, S = 21, C = 45, K = 4;
  const auto x = t.numbers(B * S * C, 2, 33), W = t.numbers(C * K, 1, 34);
  const auto bias = t.numbers(C, 1, 35);
  std::vector<float> taps(W.size()), truth = zeros(B * S * C), windows = zeros(B * (K - 1) * C);
  for (int c = 0; c < C; ++c) {
    for (int k = 0; k < K; ++k) {
      taps[static_cast<std::size_t>(k * C + c)] = W[static_cast<std::size_t>(c * K + k)];
    }
  }
  std::array<kernels::ConvRow, B> rows;
  const std::unique_ptr<StateBatch> states = t.b.state_batch();
  for (std::size_t row = 0; row < B; ++row) {
    rows[row] = {windows.data() + row * (K - 1) * C, row * S, S};
    states->add({{t.b.filled({K - 1, C}, 0)}});
  }
  kernels::causal_conv1d_reference({B, C, K},
                                   {x.data(), taps.data(), bias.data(), rows.data(), truth.data()});
  const CausalConv weights = t.b.prepare(CausalConv{t.b.floats({C, K}, W), t.b.floats({C}, bias)});
  const Tensor y = t.b.causal_conv1d(t.activations({B * S, C}, x), weights, {*states, 0});
  // K products of up to 2 and a bias of up to 1 beside a largest result of over 4; weights and the
  // result may be rounded to the activations' type.
  t.compare("causal_conv1d", y, truth,
            (kEps * (K + 2) + (t.is_float32() ? 0 : 2 * t.type_eps())) * 3);
  t.compare("causal_conv1d state", states->take(0), windows, 0);
}

struct SlstmSizes {
  int B, S, NH, DH;
};

void check_slstm(SelfTestChecks& t, const SlstmSizes& s, std::string_view name) {
  const std::int64_t units = std::int64_t{s.NH} * s.DH, T = std::int64_t{s.B} * s.S;
  const auto gates_if = t.numbers(T * 2 * units, 2, 36), gates_zo = t.numbers(T * 2 * units, 2, 37);
  // What the recurrence adds to a pre-activation stays below 1/2, so that errors die out.
  const auto R = t.numbers(units * 4 * s.DH, 0.5F / static_cast<float>(s.DH), 38);
  const auto bias = t.numbers(4 * units, 1, 39);
  std::vector<float> truth = zeros(T * units), state = zeros(4 * s.B * units);
  std::vector<kernels::SlstmRow> rows;
  const std::unique_ptr<StateBatch> states = t.b.state_batch();
  for (int row = 0; row < s.B; ++row) {
    float* const at = state.data() + row * 4 * units;
    const auto tokens = static_cast<std::size_t>(s.S);
    rows.push_back({at, at + units, at + 2 * units, at + 3 * units,
                    static_cast<std::size_t>(row) * tokens, tokens});
    const Tensor zero = t.b.filled({s.NH, s.DH}, 0);
    states->add({{zero, zero, zero, zero}});
  }
  kernels::slstm_scan_reference(
      {static_cast<std::size_t>(s.B), static_cast<std::size_t>(s.NH),
       static_cast<std::size_t>(s.DH)},
      {gates_if.data(), gates_zo.data(), R.data(), kernels::WeightType::kF32, bias.data(),
       rows.data(), truth.data()});
  const SlstmWeights weights = t.b.prepare(
      SlstmWeights{t.weights({s.NH, s.DH, 4 * s.DH}, R), t.b.floats({s.NH, 4 * s.DH}, bias)});
  const Tensor y = t.b.slstm_scan(t.b.floats({T, 2 * units}, gates_if),
                                  t.b.floats({T, 2 * units}, gates_zo), weights, {*states, 0});
  // A step adds some 12 roundings of its values and DH + 4 of its pre-activations (below 8), and
  // passes on at most 1/2 of what the last one was wrong by through R; through c and n as much as
  // they decay. y is at most 1, and over 1/2 somewhere.
  const double product = t.inner_rounding();
  t.compare(name, y, truth, 2 * s.S * (kEps * (12 + 8 * (s.DH + 4)) + product / 2));
}

void check_row_attention(SelfTestChecks& t) {
  constexpr int S = 5, NA = 2, DA = 33;
  constexpr std::int64_t R = 7, D = NA * DA;
  const std::vector<std::int32_t> group = {2, 0, 0, 1, 2, 0, 0};
  const std::vector<std::uint8_t> is_target = {0, 1, 0, 1, 1, 1, 0};
  const std::vector<std::vector<std::int32_t>> members = {{1, 5, 2, 6}, {3}, {4, 0}};
  const std::vector<kernels::RowGroup> groups = {{members[0], 2}, {members[1], 1}, {members[2], 1}};
  const auto qkv = t.numbers(R * S * 3 * D, 2, 40);
  std::vector<float> truth = zeros(R * S * D);
  kernels::row_attention_reference({qkv.data(), truth.data(), S, NA, DA, 1e-6F}, groups);
  const Tensor y =
      t.b.row_attention(t.activations({R * S, 3 * D}, qkv), {NA, 1e-6F, group, is_target});
  // Normed queries and keys: scores of up to sqrt(DA), of DA terms; their errors are a weight's
  // share. Values of up to 2, as is the largest result; rounded once.
  const double width = std::sqrt(static_cast<double>(DA));
  t.compare("row_attention", y, truth,
            2 * width * (kEps * (2 * DA + 12) + t.inner_rounding()) + 2 * t.type_eps());
}

}  // namespace

void check_layer_ops(SelfTestChecks& checks) {
  check_headwise(checks);
  check_conv(checks);
  check_slstm(checks, {3, 9, 3, 20}, "slstm_scan");
  check_slstm(checks, {2, 9, 2, 64}, "slstm_scan, heads of 64");
  check_row_attention(checks);
}

}  // namespace xlstm
