// Quantised matrices for tests: files that MLX made, and random ones of any shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::testing {

// One matrix [N, K] with memory of its own.
struct QuantizedCase {
  std::string name;
  Quantization format;
  kernels::WeightType scale_type = kernels::WeightType::kF32;
  std::size_t N = 0, K = 0;
  std::vector<std::uint32_t> words;       // [N, K * bits / 32]
  std::vector<std::byte> scales, biases;  // [N, K / group_size]
  std::vector<float> values;              // [N, K] as MLX dequantises it; of random ones: none

  // |scale| q + |bias| of row n (mxfp4: scale (|q| + 12)): the size of what is added up for it.
  std::vector<double> magnitudes(std::size_t n) const;

  kernels::QuantizedMatrix matrix() const {
    return {format, words.data(), scales.data(), biases.empty() ? nullptr : biases.data(),
            scale_type};
  }
};

// Everything that MLX and we have: 6 widths x 3 group sizes, and mxfp4.
std::vector<Quantization> all_formats();

// tests/data/quantized/cases.safetensors (make_quantized_cases.py).
std::vector<QuantizedCase> mlx_cases();

// Random codes, scales of either sign up to `range`, biases that bring the values near 0.
QuantizedCase random_case(const Quantization& format, kernels::WeightType scale_type, std::size_t N,
                          std::size_t K, float range, std::mt19937_64& random);

// Whole numbers that are exact in every type: scales 1 or 2, biases -100 to 100.
QuantizedCase whole_case(const Quantization& format, kernels::WeightType scale_type, std::size_t N,
                         std::size_t K, std::mt19937_64& random);

}  // namespace xlstm::testing
