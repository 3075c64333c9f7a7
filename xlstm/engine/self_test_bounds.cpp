#include "xlstm/engine/self_test_bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace xlstm {
namespace {

// The state of one head in float64, and the same sums over absolute values.
struct HeadSums {
  HeadSums(std::size_t DHQK, std::size_t DHV)
      : C(DHQK * DHV), C_abs(DHQK * DHV), n(DHQK), n_abs(DHQK) {}
  std::vector<double> C, C_abs, n, n_abs;
  double m = 0;
};

void add(double& sum, double& sum_abs, double keep, double term) {
  sum = keep * sum + term;
  sum_abs = keep * sum_abs + std::abs(term);
}

// The cell's formulas (kernels/mlstm_step/mlstm_step.h).
void update(HeadSums& head, const float* k, const float* v, double i, double f) {
  const double lf = std::min(f, 0.0) - std::log1p(std::exp(-std::abs(f)));
  const double m = std::max(lf + head.m, i);
  const double keep = std::exp(lf + head.m - m), enter = std::exp(i - m);
  head.m = m;
  const std::size_t DHQK = head.n.size(), DHV = head.C.size() / DHQK;
  for (std::size_t a = 0; a < DHQK; ++a) {
    add(head.n[a], head.n_abs[a], keep, enter * k[a]);
    for (std::size_t j = 0; j < DHV; ++j) {
      add(head.C[a * DHV + j], head.C_abs[a * DHV + j], keep, enter * k[a] * v[j]);
    }
  }
}

// Largest values, and largest errors, over all heads and tokens.
struct Largest {
  double h = 0, C = 0, chunk_h = 0, chunk_C = 0, step_h = 0;
};

// h = N / max(|D|, exp(-m)), N = q C, D = q n. With u the share that rounding changes a product by:
// in chunks, a term of N passes through two products (q k, then with v; or k v, then with q), one
// of D through one at most; by steps, N is one product and D none. A changed D changes the
// denominator by as much at most.
void bound_output(const HeadSums& head, const float* q, double eps, double u, Largest& largest) {
  const std::size_t DHQK = head.n.size(), DHV = head.C.size() / DHQK;
  const double scale = 1 / std::sqrt(static_cast<double>(DHQK));
  double D = 0, D_abs = 0;
  for (std::size_t a = 0; a < DHQK; ++a) {
    D += scale * q[a] * head.n[a];
    D_abs += scale * std::abs(q[a]) * head.n_abs[a];
  }
  const double below = std::max(std::abs(D), std::exp(-head.m)) + eps;
  const double least = below - u * D_abs;
  for (std::size_t j = 0; j < DHV; ++j) {
    double N = 0, N_abs = 0;
    for (std::size_t a = 0; a < DHQK; ++a) {
      N += scale * q[a] * head.C[a * DHV + j];
      N_abs += scale * std::abs(q[a]) * head.C_abs[a * DHV + j];
    }
    const double h = std::abs(N) / below;
    const double error = least > 0 ? ((2 * u + u * u) * N_abs + h * u * D_abs) / least
                                   : std::numeric_limits<double>::infinity();
    largest.h = std::max(largest.h, h);
    largest.chunk_h = std::max(largest.chunk_h, error);
    largest.step_h = std::max(largest.step_h, u * N_abs / below);
  }
}

void bound_state(const HeadSums& head, double u, Largest& largest) {
  for (std::size_t at = 0; at < head.C.size(); ++at) {
    largest.C = std::max(largest.C, std::abs(head.C[at]));
    largest.chunk_C = std::max(largest.chunk_C, u * head.C_abs[at]);
  }
}

}  // namespace

CellBounds rounded_cell_bounds(const CellCase& cell, double u) {
  const auto DHQK = static_cast<std::size_t>(cell.DHQK), DHV = static_cast<std::size_t>(cell.DHV);
  Largest largest;
  for (int b = 0; b < cell.B; ++b) {
    for (int head_at = 0; head_at < cell.NH; ++head_at) {
      HeadSums head(DHQK, DHV);
      for (int s = 0; s < cell.S; ++s) {
        const auto at = static_cast<std::size_t>((b * cell.S + s) * cell.NH + head_at);
        update(head, &cell.k[at * DHQK], &cell.v[at * DHV], cell.i[at], cell.f[at]);
        bound_output(head, &cell.q[at * DHQK], cell.eps, u, largest);
      }
      bound_state(head, u, largest);
    }
  }
  return {largest.chunk_h / largest.h, largest.chunk_C / largest.C, largest.step_h / largest.h};
}

// Of z = (h - mean) / deviation, with every h wrong by e: the mean is wrong by at most e, as is the
// deviation, which moves z by |z| e / deviation.
double normed_bound(const std::vector<float>& h, std::size_t DHV, double error) {
  double most_h = 0, most_z = 0, worst = 0;
  for (const float x : h) most_h = std::max(most_h, std::abs(static_cast<double>(x)));
  const auto width = static_cast<double>(DHV);
  for (std::size_t at = 0; at < h.size(); at += DHV) {
    double sum = 0, squares = 0, most = 0;
    for (std::size_t j = 0; j < DHV; ++j) sum += h[at + j];
    for (std::size_t j = 0; j < DHV; ++j) {
      const double beside = h[at + j] - sum / width;
      squares += beside * beside;
      most = std::max(most, std::abs(beside));
    }
    const double deviation = std::sqrt(squares / width);
    most_z = std::max(most_z, most / deviation);
    worst = std::max(worst, error * most_h / deviation * (2 + most / deviation));
  }
  return worst / most_z;
}

}  // namespace xlstm
