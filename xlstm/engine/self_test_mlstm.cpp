#include <algorithm>
#include <cmath>
#include <memory>

#include "xlstm/base/error.h"
#include "xlstm/engine/self_test_bounds.h"
#include "xlstm/engine/self_test_checks.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"

namespace xlstm {
namespace {

constexpr float kCap = 15, kNormEps = 1e-6F, kCellEps = 1e-6F;

struct Sizes {
  int B, S, NH, DHQK, DHV;
  std::int64_t T() const { return std::int64_t{B} * S; }
  std::int64_t QK() const { return std::int64_t{NH} * DHQK; }
  std::int64_t V() const { return std::int64_t{NH} * DHV; }
  MlstmMixerSpec spec() const { return {NH, DHQK, DHV, kNormEps, kCellEps, kCap}; }
  std::string name(std::string_view op) const { return str(op, ", ", DHQK, " x ", DHV); }
};

// Inputs, and the float64 reference's output and states from a fresh state.
struct Cell {
  Sizes s;
  std::vector<float> q, k;  // [T, NH * DHQK]
  std::vector<float> v;     // [T, NH * DHV]
  std::vector<float> i, f;  // [T, NH]
  std::vector<float> h = std::vector<float>(v.size());
  std::vector<float> C = std::vector<float>(static_cast<std::size_t>(s.B * s.QK() * s.DHV));
};

// Queries and keys whose elements have one sign in a token: sums over DHQK do not cancel out, so
// that h is an average of values and rounding does not grow. Queries have either sign. Gates i are
// `least_i` to 5.
Cell make_cell(const SelfTestChecks& t, const Sizes& s, float least_i) {
  Cell cell{s,
            t.between(s.T() * s.QK(), 0.5F, 1, 8),
            t.between(s.T() * s.QK(), 0.5F, 1, 9),
            t.numbers(s.T() * s.V(), 1, 10),
            t.between(s.T() * s.NH, least_i, 5, 11),
            t.numbers(s.T() * s.NH, 5, 12)};
  for (std::size_t at = 0; at < cell.q.size(); ++at) {
    if (at / static_cast<std::size_t>(s.QK()) % 3 == 1) cell.q[at] = -cell.q[at];
  }
  std::vector<float> n(static_cast<std::size_t>(s.B * s.QK())),
      m(static_cast<std::size_t>(s.B * s.NH));
  std::vector<kernels::MlstmStatePointers> rows;
  for (int row = 0; row < s.B; ++row) {
    rows.push_back(
        {cell.C.data() + row * s.QK() * s.DHV, n.data() + row * s.QK(), m.data() + row * s.NH});
  }
  const auto size = [](int axis) { return static_cast<std::size_t>(axis); };
  kernels::mlstm_chunk_reference(
      {size(s.B), size(s.S), size(s.NH), size(s.DHQK), size(s.DHV), kCellEps},
      {cell.q.data(), cell.k.data(), cell.v.data(), cell.i.data(), cell.f.data(), rows.data(),
       cell.h.data()});
  return cell;
}

// B sequences at the start.
std::unique_ptr<StateBatch> fresh_states(Backend& b, const Sizes& s) {
  std::unique_ptr<StateBatch> states = b.state_batch();
  for (int row = 0; row < s.B; ++row) {
    states->add(
        {{b.filled({s.NH, s.DHQK, s.DHV}, 0), b.filled({s.NH, s.DHQK}, 0), b.filled({s.NH}, 0)}});
  }
  return states;
}

// Calls run(part) with one token of each sequence after the other.
template <typename Run>
Tensor by_steps(Backend& b, const Sizes& s, const Run& run) {
  std::vector<Tensor> steps;
  for (int at = 0; at < s.S; ++at) {
    steps.push_back(run([&](const Tensor& x) { return b.tokens(x, s.B, at, at + 1); }));
  }
  return b.join_tokens(steps, s.B);
}

struct Bounds {
  double h, C;  // as shares of the largest
};

// S tokens' decays and maxima, each below 6, rounded once each, besides the sums over DHQK; and
// what products of rounded factors add.
Bounds chunk_bounds(const SelfTestChecks& t, const Cell& c) {
  const double plain = SelfTestChecks::kEps * (c.s.DHQK + 12 * c.s.S), u = t.inner_rounding();
  if (u == 0) return {plain, plain};
  const CellBounds more = rounded_cell_bounds(
      {c.s.B, c.s.S, c.s.NH, c.s.DHQK, c.s.DHV, kCellEps, c.q, c.k, c.v, c.i, c.f}, u);
  return {plain + more.chunk_h, plain + more.chunk_C};
}

void check_cell(SelfTestChecks& t, const Cell& c, const Bounds& bounds) {
  Backend& b = t.b;
  const Sizes& s = c.s;
  const Tensor q = t.activations({s.T(), s.QK()}, c.q), k = t.activations({s.T(), s.QK()}, c.k);
  const Tensor v = t.activations({s.T(), s.V()}, c.v);
  const Tensor i = b.floats({s.T(), s.NH}, c.i), f = b.floats({s.T(), s.NH}, c.f);

  const std::unique_ptr<StateBatch> chunked = fresh_states(b, s);
  t.compare(s.name("mlstm_chunk"), b.mlstm_cell({q, k, v, i, f}, s.spec(), {*chunked, 0}), c.h,
            bounds.h);
  t.compare(s.name("mlstm_chunk state"), chunked->take(0), c.C, bounds.C);

  const std::unique_ptr<StateBatch> stepped = fresh_states(b, s);
  const Tensor steps = by_steps(b, s, [&](const auto& part) {
    return b.mlstm_cell({part(q), part(k), part(v), part(i), part(f)}, s.spec(), {*stepped, 0});
  });
  t.compare(s.name("mlstm_step"), steps, c.h, bounds.h);
  t.compare(s.name("mlstm_step state"), stepped->take(0), c.C, bounds.C);
}

// Columns of parts, [T, widths] each, beside each other.
std::vector<float> side_by_side(const Sizes& s,
                                const std::vector<const std::vector<float>*>& parts) {
  std::vector<float> out;
  const auto T = static_cast<std::size_t>(s.T());
  for (std::size_t row = 0; row < T; ++row) {
    for (const std::vector<float>* part : parts) {
      const auto width = static_cast<std::ptrdiff_t>(part->size() / T);
      const auto begin = part->begin() + static_cast<std::ptrdiff_t>(row) * width;
      out.insert(out.end(), begin, begin + width);
    }
  }
  return out;
}

// The cell's gates come out of a soft cap of others, from which they cannot be told apart.
std::vector<float> uncapped(const std::vector<float>& gates) {
  std::vector<float> out = gates;
  for (float& x : out) x = static_cast<float>(kCap * std::atanh(static_cast<double>(x) / kCap));
  return out;
}

void check_mixer(SelfTestChecks& t, const Cell& c, const Bounds& bounds) {
  Backend& b = t.b;
  const Sizes& s = c.s;
  const auto gate = t.numbers(s.T() * s.V(), 0.5F, 13);
  const auto weight = t.between(s.V(), 1.5F, 2, 14);
  std::vector<float> truth(c.h.size());
  kernels::head_norm_reference(c.h.data(), weight.data(), nullptr, kNormEps, truth.data(),
                               static_cast<std::size_t>(s.T()), static_cast<std::size_t>(s.NH),
                               static_cast<std::size_t>(s.DHV));
  for (std::size_t at = 0; at < truth.size(); ++at) {
    truth[at] = static_cast<float>(truth[at] / (1 + std::exp(-static_cast<double>(gate[at]))));
  }
  const auto i = uncapped(c.i), f = uncapped(c.f);
  const Tensor qkvo =
      t.activations({s.T(), 2 * s.QK() + 2 * s.V()}, side_by_side(s, {&c.q, &c.k, &c.v, &gate}));
  const Tensor gates = b.floats({s.T(), 2 * s.NH}, side_by_side(s, {&i, &f}));
  const Norm norm = b.prepare(Norm{t.weights({s.V()}, weight), {}});

  // The cap (12) and its way back (1) move gates of up to 5 by 13 roundings, in each of S tokens.
  // Weights and the sigmoid (0.37 to 0.63) differ by a factor of 2.2 at most. The norm, its weight
  // and the gate are rounded to the activations' type.
  const double of_h = bounds.h + SelfTestChecks::kEps * 13 * 5 * s.S;
  const double bound = 2.2 * normed_bound(c.h, static_cast<std::size_t>(s.DHV), of_h) +
                       4 * t.type_eps() + SelfTestChecks::kEps * (2 * s.DHV + 6);
  const std::unique_ptr<StateBatch> chunked = fresh_states(b, s);
  t.compare(s.name("mlstm_mixer of a prompt"),
            b.mlstm_mixer(qkvo, gates, norm, s.spec(), {*chunked, 0}), truth, bound);
  const std::unique_ptr<StateBatch> stepped = fresh_states(b, s);
  const Tensor steps = by_steps(b, s, [&](const auto& part) {
    return b.mlstm_mixer(part(qkvo), part(gates), norm, s.spec(), {*stepped, 0});
  });
  t.compare(s.name("mlstm_mixer of a token"), steps, truth, bound);
}

}  // namespace

void check_mlstm_ops(SelfTestChecks& checks) {
  // Odd sizes that meet every remainder, and heads of a size that models have.
  for (const Sizes& sizes : {Sizes{2, 70, 3, 20, 36}, Sizes{1, 70, 2, 64, 128}}) {
    const Cell cell = make_cell(checks, sizes, -5);
    check_cell(checks, cell, chunk_bounds(checks, cell));
    // The norm blows rounding up where h is small: where exp(-m), not q n, divides. Not for i > 0.
    const Cell normed = make_cell(checks, sizes, 1);
    check_mixer(checks, normed, chunk_bounds(checks, normed));
  }
}

}  // namespace xlstm
