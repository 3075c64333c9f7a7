// A launcher of the program's Metal kernels that runs each at once, by the emulator.
#pragma once

#include <utility>
#include <vector>

#include "tests/metal/emulator.h"
#include "xlstm/mlx/metal/kernel_call.h"

namespace xlstm::testing {

inline mlx::metal::Launcher emulated_launcher(const metal_emulator::Options& options = {}) {
  namespace mx = ::mlx::core;
  return [options, on_metal = mlx::metal::mlx_launcher(mx::Device::gpu)](
             const mlx::metal::KernelCall& call) {
    std::vector<mx::array> inputs;
    for (const auto& input : call.inputs) inputs.push_back(input.array);
    const auto launch = [&](const std::vector<mx::array>& traced) {
      mlx::metal::KernelCall with = call;
      for (std::size_t i = 0; i < traced.size(); ++i) with.inputs[i].array = traced[i];
      return on_metal(with);
    };
    return metal_emulator::run(launch, inputs, options);
  };
}

}  // namespace xlstm::testing
