// The amplitudes of a series' frequencies.
#pragma once

#include <complex>
#include <span>
#include <vector>

namespace xlstm::tirex {

// The discrete Fourier transform of n >= 1 real numbers, the terms 0 to n / 2: of any n in
// O(n log n) (Bluestein 1970).
std::vector<std::complex<double>> real_transform(std::span<const double> x);

// Of the frequencies 0, 1 / n, ... up to a half, as shares of the largest: of the values, missing
// ones interpolated, less their mean and under a periodic Hann window.
std::vector<double> amplitude_spectrum(std::span<const float> values);

}  // namespace xlstm::tirex
