// The program's Metal kernels in the emulator's hands.
#pragma once

#include <utility>
#include <vector>

#include "tests/metal/emulator.h"
#include "xlstm/mlx/metal/kernel_call.h"

namespace xlstm::testing {

// What builds the kernel's node as on a Mac, of arrays in the place of the call's inputs.
inline metal_emulator::Function production_launch(const mlx::metal::KernelCall& call,
                                                  const mlx::metal::Launcher& on_metal) {
  return [&call, &on_metal](const std::vector<::mlx::core::array>& traced) {
    mlx::metal::KernelCall with = call;
    for (std::size_t i = 0; i < traced.size(); ++i) with.inputs[i].array = traced[i];
    return on_metal(with);
  };
}

inline std::vector<::mlx::core::array> inputs_of(const mlx::metal::KernelCall& call) {
  std::vector<::mlx::core::array> inputs;
  for (const auto& input : call.inputs) inputs.push_back(input.array);
  return inputs;
}

// A launcher that runs each kernel at once.
inline mlx::metal::Launcher emulated_launcher(const metal_emulator::Options& options = {}) {
  return [options, on_metal = mlx::metal::mlx_launcher(::mlx::core::Device::gpu)](
             const mlx::metal::KernelCall& call) {
    return metal_emulator::run(production_launch(call, on_metal), inputs_of(call), options);
  };
}

// Throws where clang finds fault with the text.
inline void check_kernel(const mlx::metal::KernelCall& call) {
  const auto on_metal = mlx::metal::mlx_launcher(::mlx::core::Device::gpu);
  metal_emulator::check(production_launch(call, on_metal), inputs_of(call));
}

}  // namespace xlstm::testing
