// Instructions that multiply and add many narrow numbers at once, where the processor has them.
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// Runs `rounds` rounds of independent products in registers; returns the operations (two a
// multiply-add), 0 where the processor has no such instruction.
double bf16_products(std::size_t rounds, float* sink);
double int8_products(std::size_t rounds, float* sink);
// Of signed bytes and unsigned ones of at most 4 bits.
double int4_products(std::size_t rounds, float* sink);

}  // namespace xlstm::kernels
