#include "xlstm/engine/self_test.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>

#include "xlstm/engine/self_test_bounds.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"

namespace xlstm {
namespace {

// One small model's shapes; odd, so that every remainder is met.
constexpr int B = 2, S = 70, NH = 3, DHQK = 20, DHV = 36, D = 67, N = 45;
constexpr double kEps = std::numeric_limits<float>::epsilon();

std::vector<float> uniform(int count, float range, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> draw(-range, range);
  std::vector<float> out(static_cast<std::size_t>(count));
  for (float& x : out) x = draw(random);
  return out;
}

double relative_error(Backend& b, const Tensor& got, const std::vector<float>& truth) {
  const std::span<const float> values = b.read_floats(got);
  if (values.size() != truth.size()) return std::numeric_limits<double>::infinity();
  double difference = 0;
  double largest = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double error = std::abs(static_cast<double>(values[i]) - truth[i]);
    if (std::isnan(error)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, error);
    largest = std::max(largest, std::abs(static_cast<double>(truth[i])));
  }
  return difference / largest;
}

CheckResult test_linear(Backend& b, bool tf32) {
  const auto x = uniform(S * D, 1, 1), w = uniform(N * D, 1, 2), bias = uniform(N, 1, 3);
  std::vector<float> truth(static_cast<std::size_t>(S * N));
  kernels::linear_reference(x.data(), D, w.data(), kernels::WeightType::kF32, bias.data(),
                            truth.data(), N, S, N, D);
  const Dense dense = b.prepare(Dense{b.floats({N, D}, w), b.floats({N}, bias)});
  const Tensor y = b.linear(b.floats({S, D}, x), dense);
  // sums of D + 1 terms; their absolute values add up to a few times the largest result
  return {"linear", relative_error(b, y, truth), (kEps * (D + 1) + (tf32 ? kTf32Product : 0)) * 4};
}

CheckResult test_rms_norm(Backend& b) {
  const auto x = uniform(S * D, 3, 4), w = uniform(D, 2, 5);
  std::vector<float> truth(x.size());
  kernels::rms_norm_reference(x.data(), w.data(), nullptr, 1e-6F, truth.data(), S, D);
  const Norm norm = b.prepare(Norm{b.floats({D}, w), {}});
  const Tensor y = b.rms_norm(b.floats({S, D}, x), norm, 1e-6F);
  return {"rms_norm", relative_error(b, y, truth), kEps * (D + 5)};
}

CheckResult test_head_norm(Backend& b) {
  const auto h = uniform(S * NH * DHV, 3, 6), w = uniform(NH * DHV, 2, 7);
  std::vector<float> truth(h.size());
  kernels::head_norm_reference(h.data(), w.data(), nullptr, 1e-6F, truth.data(), S, NH, DHV);
  const Norm norm = b.prepare(Norm{b.floats({NH * DHV}, w), {}});
  const Tensor y = b.head_norm(b.floats({S, NH * DHV}, h), norm, NH, 1e-6F);
  return {"head_norm", relative_error(b, y, truth), kEps * (2 * DHV + 6)};
}

// B sequences at the start.
std::unique_ptr<StateBatch> fresh_states(Backend& b) {
  std::unique_ptr<StateBatch> states = b.state_batch();
  for (int row = 0; row < B; ++row) {
    states->add({{b.filled({NH, DHQK, DHV}, 0), b.filled({NH, DHQK}, 0), b.filled({NH}, 0)}});
  }
  return states;
}

// The cell over S tokens, in chunks and token by token.
void test_cell(Backend& b, bool tf32, std::vector<CheckResult>& results) {
  const auto q = uniform(B * S * NH * DHQK, 1, 8), k = uniform(B * S * NH * DHQK, 1, 9);
  const auto v = uniform(B * S * NH * DHV, 1, 10);
  const auto i = uniform(B * S * NH, 5, 11), f = uniform(B * S * NH, 5, 12);
  std::vector<float> h(v.size()), C(B * NH * DHQK * DHV), n(B * NH * DHQK), m(B * NH);
  std::vector<kernels::MlstmStatePointers> rows;
  for (std::size_t row = 0; row < B; ++row) {
    rows.push_back(
        {C.data() + row * NH * DHQK * DHV, n.data() + row * NH * DHQK, m.data() + row * NH});
  }
  kernels::mlstm_chunk_reference(
      {B, S, NH, DHQK, DHV, 1e-6F},
      {q.data(), k.data(), v.data(), i.data(), f.data(), rows.data(), h.data()});
  const MlstmCellInput in = {b.floats({B * S, NH * DHQK}, q), b.floats({B * S, NH * DHQK}, k),
                             b.floats({B * S, NH * DHV}, v), b.floats({B * S, NH}, i),
                             b.floats({B * S, NH}, f)};
  const MlstmMixerSpec spec = {NH, DHQK, DHV, 1e-6F, 1e-6F, std::nullopt};

  // S tokens' decays and maxima, each below 6, rounded once each, besides the sums over DHQK
  const double bound = kEps * (DHQK + 12 * S);
  const CellBounds more =
      tf32 ? tf32_cell_bounds({B, S, NH, DHQK, DHV, 1e-6, q, k, v, i, f}) : CellBounds();
  const std::unique_ptr<StateBatch> chunked = fresh_states(b);
  const Tensor all = b.mlstm_cell(in, spec, {*chunked, 0});
  results.push_back({"mlstm_chunk", relative_error(b, all, h), bound + more.chunk_h});
  results.push_back(
      {"mlstm_chunk state", relative_error(b, chunked->take(0), C), bound + more.chunk_C});

  const std::unique_ptr<StateBatch> stepped = fresh_states(b);
  std::vector<Tensor> steps;
  for (int s = 0; s < S; ++s) {
    const auto token = [&](const Tensor& x) { return b.tokens(x, B, s, s + 1); };
    steps.push_back(b.mlstm_cell({token(in.q), token(in.k), token(in.v), token(in.i), token(in.f)},
                                 spec, {*stepped, 0}));
  }
  results.push_back(
      {"mlstm_step", relative_error(b, b.join_tokens(steps, B), h), bound + more.step_h});
  results.push_back({"mlstm_step state", relative_error(b, stepped->take(0), C), bound});
}

}  // namespace

std::vector<CheckResult> self_test(Backend& backend, bool tf32) {
  std::vector<CheckResult> results = {test_linear(backend, tf32), test_rms_norm(backend),
                                      test_head_norm(backend)};
  test_cell(backend, tf32, results);
  return results;
}

}  // namespace xlstm
