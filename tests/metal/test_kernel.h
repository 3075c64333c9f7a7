// A kernel in a test's own text, launched as the program launches its own.
#pragma once

#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/metal/emulator.h"

namespace xlstm::metal_emulator {

struct TestKernel {
  std::string source;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<mx::Shape> shapes;  // of the outputs
  std::vector<mx::Dtype> types;
  std::tuple<int, int, int> grid;
  std::tuple<int, int, int> group;
  std::vector<std::pair<std::string, mx::fast::TemplateArg>> template_args = {};
  std::string header = "";
  bool row_contiguous = true;
  bool atomic_outputs = false;
  std::optional<float> init_value = std::nullopt;

  Function launch() const {
    const auto kernel = mx::fast::metal_kernel("test", inputs, outputs, source, header,
                                               row_contiguous, atomic_outputs);
    return [kernel, *this](const std::vector<mx::array>& in) {
      return kernel(in, shapes, types, grid, group, template_args, init_value, false,
                    mx::Device::gpu);
    };
  }
};

// One output of float32 of `n` elements, computed by `threads` threads in threadgroups of `group`.
inline TestKernel float_kernel(std::string source, int n, int threads, int group) {
  return {.source = std::move(source),
          .inputs = {"x"},
          .outputs = {"y"},
          .shapes = {{n}},
          .types = {mx::float32},
          .grid = {threads, 1, 1},
          .group = {group, 1, 1}};
}

// Values between -1 and 1, the same everywhere.
inline mx::array random_array(const mx::Shape& shape, unsigned seed, mx::Dtype type = mx::float32) {
  return mx::random::uniform(-1.0F, 1.0F, shape, type, mx::random::key(seed), mx::Device::cpu);
}

// Its values as float64, in order.
inline std::vector<double> values_of(const mx::array& array) {
  mx::array floats =
      mx::contiguous(mx::astype(array, mx::float32, mx::Device::cpu), false, mx::Device::cpu);
  floats.eval();
  return {floats.data<float>(), floats.data<float>() + floats.size()};
}

}  // namespace xlstm::metal_emulator
