// The parameters of the layers that ops take.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "xlstm/backend/tensor.h"
#include "xlstm/base/quantization.h"

namespace xlstm {

// A quantised W [N, K] (layout: base/quantization.h).
struct QuantizedTensor {
  Tensor words;   // [N, K * bits / 32] uint32
  Tensor scales;  // [N, K / group_size] of a float type, or uint8 for mxfp4
  Tensor biases;  // as scales; none for mxfp4
  Quantization format;
};

using WeightTensor = std::variant<Tensor, QuantizedTensor>;  // W [N, K]

std::uint64_t bytes_of(const WeightTensor& weight);

// y = x W^T (+ bias)
struct Dense {
  WeightTensor weight;    // [N, K]
  Tensor bias;            // [N], or none
  std::string name = "";  // "qkvo": what profiles call its product
};

// y = normalised x * weight (+ bias)
struct Norm {
  Tensor weight;  // [D]
  Tensor bias;    // [D], or none
};

}  // namespace xlstm
