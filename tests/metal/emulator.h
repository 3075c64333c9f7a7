// Runs kernels of mx::fast::metal_kernel on this machine's CPU, from the text that MLX composes for
// Metal's compiler, as the program's own code builds them. See README.md in this folder for how,
// and for what it does not prove.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mlx/mlx.h"
#include "tests/metal/emulator/composed.h"
#include "tests/metal/emulator/options.h"

namespace xlstm::metal_emulator {

namespace mx = mlx::core;

using Function = std::function<std::vector<mx::array>(const std::vector<mx::array>&)>;

// launch(inputs), evaluated. `launch` builds a graph and evaluates nothing: any number of kernels,
// on mx::Device::gpu, among operations on mx::Device::cpu. Each kernel's outputs are computed here.
//
// A fault of a kernel is an Error(kInternal) whose message has the kernel's name and the line of
// its composed text, the thread, what was wanted and what was found: a race, an access outside of
// an array, a read of what nobody wrote, a write to an input, undefined arithmetic (these only with
// Options::checked), threads of which some come to a barrier or a SIMD function and others do not,
// more threadgroup memory than 32 KiB.
std::vector<mx::array> run(const Function& launch, const std::vector<mx::array>& inputs,
                           const Options& options = {});

// The kernels that launch(inputs) builds, as MLX would hand them to the compiler, in the order in
// which they would run.
std::vector<Composed> compose(const Function& launch, const std::vector<mx::array>& inputs);

// The second opinion: clang, as C++ for OpenCL without a generic address space, reads every kernel
// that launch(inputs) builds. An Error(kInternal) has its words: memory of one address space used
// as another's, a pointer without one, language that Metal does not have. Only where
// check_missing() is "".
void check(const Function& launch, const std::vector<mx::array>& inputs);
// Why nothing can be checked on this machine, or "".
std::string check_missing();

}  // namespace xlstm::metal_emulator
