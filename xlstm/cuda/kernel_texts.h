// The kernels as they were built in: their text, and what nvcc made of it. kernel_texts.cpp is
// written by cmake/Cuda.cmake.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace xlstm::cuda {

struct KernelText {
  std::string_view name;  // "norms", or "xlstm/cuda/kernels/common.cuh" of what is included
  std::string_view text;
  std::span<const unsigned char>
      binary;  // machine code for several kinds of GPU; empty without nvcc
};

std::span<const KernelText> kernel_texts();
std::span<const KernelText> kernel_headers();

}  // namespace xlstm::cuda
