#include "xlstm/forecast/tirex/spectrum.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <numeric>

namespace xlstm::tirex {
namespace {

using Complex = std::complex<double>;
using std::numbers::pi;

// In place, for a power of two: Cooley and Tukey, radix 2.
void transform(std::vector<Complex>& x) {
  const std::size_t n = x.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {  // j is i with its bits in the opposite order
    std::size_t bit = n / 2;
    for (; (j & bit) != 0; bit /= 2) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (std::size_t half = 1; half < n; half *= 2) {
    std::vector<Complex> roots;
    for (std::size_t k = 0; k < half; ++k) {
      roots.push_back(std::polar(1.0, -pi * static_cast<double>(k) / static_cast<double>(half)));
    }
    for (std::size_t begin = 0; begin < n; begin += 2 * half) {
      for (std::size_t k = 0; k < half; ++k) {
        const Complex even = x[begin + k], odd = x[begin + half + k] * roots[k];
        x[begin + k] = even + odd;
        x[begin + half + k] = even - odd;
      }
    }
  }
}

// The inverse, but for the factor 1 / n, by the transform of the conjugate.
void transform_back(std::vector<Complex>& x) {
  for (Complex& each : x) each = std::conj(each);
  transform(x);
  for (Complex& each : x) each = std::conj(each);
}

// Missing values from those beside them: on the line between the nearest, or the nearest.
std::vector<double> interpolated(std::span<const float> values) {
  std::vector<double> out(values.begin(), values.end());
  constexpr auto kNone = static_cast<std::size_t>(-1);
  std::size_t before = kNone;  // the last that is there
  for (std::size_t i = 0; i <= out.size(); ++i) {
    if (i < out.size() && std::isnan(out[i])) continue;
    const std::size_t first = before == kNone ? 0 : before + 1;
    for (std::size_t gap = first; gap < i; ++gap) {
      if (before == kNone) {
        out[gap] = i < out.size() ? out[i] : 0;
      } else if (i == out.size()) {
        out[gap] = out[before];
      } else {
        const double share = static_cast<double>(gap - before) / static_cast<double>(i - before);
        out[gap] = out[before] + (out[i] - out[before]) * share;
      }
    }
    before = i;
  }
  return out;
}

}  // namespace

std::vector<Complex> real_transform(std::span<const double> x) {
  const std::size_t n = x.size();
  const std::size_t padded = std::bit_ceil(2 * n);
  // chirp(k) = exp(-i pi k^2 / n), whose exponent repeats every 2 n.
  const auto chirp = [n](std::uint64_t k) {
    return std::polar(1.0, -pi * static_cast<double>(k * k % (2 * n)) / static_cast<double>(n));
  };
  std::vector<Complex> a(padded), b(padded);
  for (std::size_t k = 0; k < n; ++k) {
    a[k] = x[k] * chirp(k);
    b[k] = std::conj(chirp(k));
    if (k > 0) b[padded - k] = b[k];
  }
  transform(a);
  transform(b);
  for (std::size_t k = 0; k < padded; ++k) a[k] *= b[k];
  transform_back(a);
  std::vector<Complex> out;
  for (std::size_t k = 0; k <= n / 2; ++k) {
    out.push_back(a[k] * chirp(k) / static_cast<double>(padded));
  }
  return out;
}

std::vector<double> amplitude_spectrum(std::span<const float> values) {
  std::vector<double> x = interpolated(values);
  const auto n = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / n;
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = (x[i] - mean) * (0.5 - 0.5 * std::cos(2 * pi * static_cast<double>(i) / n));
  }
  std::vector<double> out;
  for (const Complex& term : real_transform(x)) out.push_back(std::abs(term));
  // Twice, but where a frequency is its own mirror image. All are then shares of the largest, so
  // that what they are divided by does not matter.
  const std::size_t mirrored = x.size() % 2 == 0 && out.size() > 2 ? out.size() - 1 : out.size();
  for (std::size_t k = 1; k < mirrored; ++k) out[k] *= 2;
  const double most = *std::ranges::max_element(out);
  if (most > 0) {
    for (double& each : out) each /= most;
  }
  return out;
}

}  // namespace xlstm::tirex
