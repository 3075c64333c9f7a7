// A launch of one of our Metal kernels as data: what MLX writes the kernel's signature from, and
// what runs it. Built on every machine; a launcher makes it a node of MLX's graph.
#pragma once

#include <array>
#include <bit>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "mlx/array.h"
#include "mlx/fast.h"

namespace xlstm::mlx::metal {

namespace mx = ::mlx::core;

struct KernelInput {
  std::string name;
  mx::array array;
};

struct KernelOutput {
  std::string name;
  mx::Shape shape;
  mx::Dtype dtype;
};

struct KernelCall {
  std::string kernel;  // a text of kernel_texts.h
  std::vector<KernelInput> inputs;
  std::vector<KernelOutput> outputs;
  // Each combination of values is compiled once by itself.
  std::vector<std::pair<std::string, mx::fast::TemplateArg>> template_args;
  std::array<int, 3> grid = {1, 1, 1};  // threads in all
  std::array<int, 3> threadgroup = {1, 1, 1};
  // The texts need exp(-inf) = 0, and infinities and NaN as they are.
  mx::MathMode math_mode = mx::MathMode::Safe;

  // So many threadgroups of `threads` threads.
  void launch(const std::array<int, 3>& threadgroups, int threads) {
    grid = {threadgroups[0] * threads, threadgroups[1], threadgroups[2]};
    threadgroup = {threads, 1, 1};
  }
};

// A template argument is no float: it has the bits of one.
inline int float_bits(float value) {
  return std::bit_cast<int>(value);
}

using Launcher = std::function<std::vector<mx::array>(const KernelCall&)>;

// Makes each call a node of mx::fast::metal_kernel, on this device. It keeps the kernels that it
// has made: MLX compiles a text once for each of them and each combination of template arguments.
Launcher mlx_launcher(mx::Device device);

}  // namespace xlstm::mlx::metal
