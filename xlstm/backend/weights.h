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

// A product for each head: Backend::headwise_linear().
struct Headwise {
  Tensor weight;  // [G, O, I], float32 or bfloat16
  Tensor bias;    // [G * O], or none
};

// A depthwise convolution over time: Backend::causal_conv1d().
struct CausalConv {
  Tensor weight;  // [C, K] float32, the last tap for the token itself
  Tensor bias;    // [C] float32
};

// What an sLSTM layer's gates get from its own last output: Backend::slstm_scan().
struct SlstmWeights {
  Tensor R;     // [NH, DH, 4 * DH], float32 or bfloat16: from unit d of a head to its i, f, z, o
  Tensor bias;  // [NH, 4 * DH] float32, i, f, z, o
};

}  // namespace xlstm
