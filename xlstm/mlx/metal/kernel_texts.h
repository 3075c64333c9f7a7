// The texts of our Metal kernels (xlstm/kernels/<op>/*.metal), as they were built in.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace xlstm::mlx::metal {

struct KernelText {
  std::string_view path;  // from the repository's root
  std::string_view text;
};

// All of them; metal_texts.cpp is written by cmake/embed_metal.cmake.
std::span<const KernelText> kernel_texts();

// A text as mx::fast::metal_kernel takes it.
struct KernelSource {
  std::string header;  // what stands before the kernel, includes put in their places, each once
  std::string body;    // between the braces of `kernel void NAME() { ... }`
};

// Of the file NAME.metal, which ends with the kernel: MLX writes its signature. Throws
// Error(kInternal) where there is no such text, or it is not of that form.
KernelSource kernel_source(std::string_view name);

// The same of a text that includes only what is in `texts`.
KernelSource split_source(std::string_view path, std::span<const KernelText> texts);

}  // namespace xlstm::mlx::metal
