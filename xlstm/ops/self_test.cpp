#include "xlstm/ops/self_test.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "mlx/ops.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/ops/gpu_products.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/self_test_bounds.h"

namespace xlstm::ops {
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

mx::array array_of(const std::vector<float>& values, const mx::Shape& shape) {
  return mx::array(values.begin(), shape, mx::float32);
}

double relative_error(const mx::array& got, const std::vector<float>& truth) {
  mx::array row_major = mx::contiguous(mx::astype(got, mx::float32));
  evaluate({row_major});
  if (row_major.size() != truth.size()) return std::numeric_limits<double>::infinity();
  double difference = 0;
  double largest = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double error = std::abs(static_cast<double>(row_major.data<float>()[i]) - truth[i]);
    if (std::isnan(error)) return std::numeric_limits<double>::infinity();
    difference = std::max(difference, error);
    largest = std::max(largest, std::abs(static_cast<double>(truth[i])));
  }
  return difference / largest;
}

SelfTestResult test_linear(bool tf32) {
  const auto x = uniform(S * D, 1, 1), w = uniform(N * D, 1, 2), bias = uniform(N, 1, 3);
  std::vector<float> truth(static_cast<std::size_t>(S * N));
  kernels::linear_reference(x.data(), D, w.data(), kernels::WeightType::kF32, bias.data(),
                            truth.data(), N, S, N, D);
  const auto y = linear(array_of(x, {1, S, D}), array_of(w, {N, D}), array_of(bias, {N}));
  // sums of D + 1 terms; their absolute values add up to a few times the largest result
  return {"linear", relative_error(y, truth), (kEps * (D + 1) + (tf32 ? kTf32Product : 0)) * 4};
}

SelfTestResult test_rms_norm() {
  const auto x = uniform(S * D, 3, 4), w = uniform(D, 2, 5);
  std::vector<float> truth(x.size());
  kernels::rms_norm_reference(x.data(), w.data(), nullptr, 1e-6F, truth.data(), S, D);
  const auto y = rms_norm(array_of(x, {S, D}), array_of(w, {D}), std::nullopt, 1e-6F);
  return {"rms_norm", relative_error(y, truth), kEps * (D + 5)};
}

SelfTestResult test_head_norm() {
  const auto h = uniform(S * NH * DHV, 3, 6), w = uniform(NH * DHV, 2, 7);
  std::vector<float> truth(h.size());
  kernels::head_norm_reference(h.data(), w.data(), nullptr, 1e-6F, truth.data(), S, NH, DHV);
  const auto y = head_norm(array_of(h, {1, S, NH, DHV}), array_of(w, {NH * DHV}), std::nullopt,
                           1e-6F, mx::float32);
  return {"head_norm", relative_error(y, truth), kEps * (2 * DHV + 6)};
}

struct CellTruth {
  std::vector<float> h, C, n, m;
};

// The cell over S tokens, in chunks and token by token.
void test_cell(bool tf32, std::vector<SelfTestResult>& results) {
  const auto q = uniform(B * S * NH * DHQK, 1, 8), k = uniform(B * S * NH * DHQK, 1, 9);
  const auto v = uniform(B * S * NH * DHV, 1, 10);
  const auto i = uniform(B * S * NH, 5, 11), f = uniform(B * S * NH, 5, 12);
  const std::vector<float> C(B * NH * DHQK * DHV), n(B * NH * DHQK), m(B * NH);
  CellTruth truth = {std::vector<float>(v.size()), C, n, m};
  std::vector<kernels::MlstmStatePointers> states(B);
  for (std::size_t b = 0; b < B; ++b) {
    states[b] = {truth.C.data() + b * NH * DHQK * DHV, truth.n.data() + b * NH * DHQK,
                 truth.m.data() + b * NH};
  }
  kernels::mlstm_chunk_reference(
      {B, S, NH, DHQK, DHV, 1e-6F},
      {q.data(), k.data(), v.data(), i.data(), f.data(), states.data(), truth.h.data()});
  const MlstmInput in = {array_of(q, {B, S, NH, DHQK}), array_of(k, {B, S, NH, DHQK}),
                         array_of(v, {B, S, NH, DHV}), array_of(i, {B, S, NH}),
                         array_of(f, {B, S, NH})};
  const MlstmState fresh = {mx::zeros({B, NH, DHQK, DHV}), mx::zeros({B, NH, DHQK}),
                            mx::zeros({B, NH})};

  // S tokens' decays and maxima, each below 6, rounded once each, besides the sums over DHQK
  const double bound = kEps * (DHQK + 12 * S);
  const CellBounds more =
      tf32 ? tf32_cell_bounds({B, S, NH, DHQK, DHV, 1e-6, q, k, v, i, f}) : CellBounds();
  const MlstmOutput chunked = mlstm(in, fresh, 1e-6F);
  results.push_back({"mlstm_chunk", relative_error(chunked.h, truth.h), bound + more.chunk_h});
  results.push_back(
      {"mlstm_chunk state", relative_error(chunked.state.C, truth.C), bound + more.chunk_C});

  MlstmState state = fresh;
  std::vector<mx::array> h;
  for (int s = 0; s < S; ++s) {
    const auto token = [&](const mx::array& a) {
      mx::Shape start(a.ndim(), 0), stop = a.shape();
      start[1] = s;
      stop[1] = s + 1;
      return mx::slice(a, start, stop);
    };
    const MlstmOutput out =
        mlstm_step({token(in.q), token(in.k), token(in.v), token(in.i), token(in.f)}, state, 1e-6F);
    h.push_back(out.h);
    state = out.state;
  }
  results.push_back(
      {"mlstm_step", relative_error(mx::concatenate(h, 1), truth.h), bound + more.step_h});
  results.push_back({"mlstm_step state", relative_error(state.C, truth.C), bound});
}

}  // namespace

std::vector<SelfTestResult> self_test(bool tf32) {
  std::vector<SelfTestResult> results = {test_linear(tf32), test_rms_norm(), test_head_norm()};
  test_cell(tf32, results);
  return results;
}

std::vector<SelfTestResult> self_test() {
  return self_test(tf32_wanted());
}

}  // namespace xlstm::ops
