// Whether counts fit a distribution.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace xlstm::test {

// P(X >= x) for X chi-square distributed with `df` degrees of freedom: the regularised upper
// incomplete gamma function Q(df / 2, x / 2). Below the mean by the series of P = 1 - Q, above it
// by the continued fraction of Q (Abramowitz and Stegun, 6.5.29 and 6.5.31; Lentz's method).
inline double chi_square_tail(double x, double df) {
  const double a = df / 2, z = x / 2;
  if (z <= 0) return 1;
  const double front = std::exp(a * std::log(z) - z - std::lgamma(a));
  if (z < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > sum * 1e-16; ++n) sum += term *= z / n;
    return 1 - front * sum;
  }
  double b = z + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int i = 1; i < 1000; ++i) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return front * h;
}

// The probability of a fit as bad as this one or worse, if `counts` were drawn from `p` (sums to
// 1). A count where p is 0 gives 0. Cells with p > 0 should expect at least 5 counts.
inline double fit(const std::vector<std::int64_t>& counts, const std::vector<double>& p) {
  double total = 0, x = 0;
  for (const std::int64_t count : counts) total += static_cast<double>(count);
  int cells = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double expected = p[i] * total, difference = static_cast<double>(counts[i]) - expected;
    if (p[i] == 0) {
      if (counts[i] != 0) return 0;
      continue;
    }
    x += difference * difference / expected;
    ++cells;
  }
  return cells > 1 ? chi_square_tail(x, cells - 1) : 1;
}

}  // namespace xlstm::test
