#include <cstdint>

#include "xlstm/base/floats.h"
#include "xlstm/engine/self_test_checks.h"
#include "xlstm/kernels/activation/activation.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/kernels/swiglu/swiglu.h"

namespace xlstm {
namespace {

// Odd, so that every remainder is met.
constexpr int S = 70, NH = 3, DHV = 36, D = 67, N = 45;

void check_embed(SelfTestChecks& t) {
  const auto W = t.numbers(N * D, 1, 20);
  std::vector<std::int32_t> ids(S);
  std::vector<float> truth = zeros(S * D);
  for (int s = 0; s < S; ++s) {
    ids[static_cast<std::size_t>(s)] = s * 7 % N;
    for (int j = 0; j < D; ++j) {
      truth[static_cast<std::size_t>(s * D + j)] = W[static_cast<std::size_t>(s * 7 % N * D + j)];
    }
  }
  t.compare("embed", t.b.embed(t.weights({N, D}, W), t.b.ids({1, S}, ids)), truth, 0);
}

void check_linear(SelfTestChecks& t) {
  const auto x = t.numbers(S * D, 1, 1), w = t.numbers(N * D, 1, 2), bias = t.numbers(N, 1, 3);
  std::vector<float> truth = zeros(S * N);
  kernels::linear_reference(x.data(), D, w.data(), kernels::WeightType::kF32, bias.data(),
                            truth.data(), N, S, N, D);
  const Dense dense = t.b.prepare(Dense{t.weights({N, D}, w), t.weights({N}, bias)});
  const Tensor y = t.b.linear(t.activations({S, D}, x), dense);
  // Sums of D + 1 terms, whose absolute values add up to a few times the largest result. Factors
  // are of the activations' type already; the product is rounded to it, and again after the bias.
  t.compare("linear", y, truth,
            (SelfTestChecks::kEps * (D + 1) + t.input_rounding()) * 4 + 2 * t.type_eps());
}

void check_norms(SelfTestChecks& t) {
  const auto x = t.numbers(S * D, 3, 4), w = t.numbers(D, 2, 5);
  std::vector<float> truth = zeros(S * D);
  kernels::rms_norm_reference(x.data(), w.data(), nullptr, 1e-6F, truth.data(), S, D);
  const Norm norm = t.b.prepare(Norm{t.weights({D}, w), {}});
  const Tensor y = t.b.rms_norm(t.activations({S, D}, x), norm, 1e-6F);
  // Rounded before and after the weight is applied.
  const double rounded = t.is_float32() ? 0 : 2 * t.type_eps();
  t.compare("rms_norm", y, truth, SelfTestChecks::kEps * (D + 5) + rounded);

  const auto h = t.numbers(S * NH * DHV, 3, 6), v = t.numbers(NH * DHV, 2, 7);
  truth = zeros(S * NH * DHV);
  kernels::head_norm_reference(h.data(), v.data(), nullptr, 1e-6F, truth.data(), S, NH, DHV);
  const Norm of_heads = t.b.prepare(Norm{t.weights({NH * DHV}, v), {}});
  const Tensor normed = t.b.head_norm(t.b.floats({S, NH * DHV}, h), of_heads, NH, 1e-6F);
  t.compare("head_norm", normed, truth, SelfTestChecks::kEps * (2 * DHV + 6) + rounded);
}

// Values of up to 4 and their functions; some ten roundings each, in the type of the activations.
void check_elementwise(SelfTestChecks& t) {
  const auto gate_up = t.numbers(S * 2 * D, 4, 21);
  std::vector<float> truth = zeros(S * D);
  kernels::swiglu_reference(gate_up.data(), truth.data(), S, D);
  const double bound = 10 * t.type_eps();
  t.compare("swiglu", t.b.swiglu(t.activations({S, 2 * D}, gate_up)), truth, bound);
  kernels::gated_reference(Activation::kGelu, gate_up.data(), truth.data(), S, D);
  t.compare("gated gelu", t.b.gated(t.activations({S, 2 * D}, gate_up), Activation::kGelu), truth,
            bound);

  const auto z = t.numbers(S * NH, 40, 22);
  truth = zeros(S * NH);
  kernels::soft_cap_reference(z.data(), nullptr, 15, truth.data(), S, NH);
  t.compare("soft_cap", t.b.soft_cap(t.b.floats({S, NH}, z), 15), truth, 12 * SelfTestChecks::kEps);
}

// Ids are numbers like others here; they must be right.
void check_argmax(SelfTestChecks& t) {
  const auto logits = t.numbers(S * N, 5, 23);
  std::vector<float> truth;
  for (int s = 0; s < S; ++s) {
    const auto row = logits.begin() + s * N;
    truth.push_back(static_cast<float>(std::max_element(row, row + N) - row));
  }
  const Tensor ids = t.b.argmax(t.b.floats({S, N}, logits));
  const std::span<const std::int32_t> got = t.b.read_ids(ids);
  const std::vector<float> as_floats(got.begin(), got.end());
  t.compare("argmax", t.b.floats({S}, as_floats), truth, 0);
}

}  // namespace

void check_plain_ops(SelfTestChecks& checks) {
  check_embed(checks);
  check_linear(checks);
  check_norms(checks);
  check_elementwise(checks);
  check_argmax(checks);
}

}  // namespace xlstm
