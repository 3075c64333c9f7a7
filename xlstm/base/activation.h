// Elementwise functions that layers have between products.
#pragma once

#include <cstdint>

namespace xlstm {

// GELU is the exact one, by erf; kRelu2 is relu(x)^2.
enum class Activation : std::uint8_t { kSilu, kGelu, kRelu, kRelu2, kSigmoid, kSelu };

}  // namespace xlstm
