// What xLSTM-7B costs Apple's GPUs, by arithmetic: the tables of docs/metal-performance.md, from
// the tiles that the Metal backend chooses and what is published of chips. Nothing of it is
// measured.
#pragma once

#include <string>

namespace xlstm::testing {

// Bytes, operations, threads and threadgroup memory of the kernels of a step and of a prompt.
std::string metal_kernel_table();
// Bytes a token, and from how much memory on they fit.
std::string metal_weights_table();
// Of each chip the published rates, and what they leave to expect.
std::string metal_chip_table();

}  // namespace xlstm::testing
