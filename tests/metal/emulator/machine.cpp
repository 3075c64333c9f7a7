#include "tests/metal/emulator/machine.h"

namespace xlstm::metal_emulator {

Machine& Machine::of_process() {
  static Machine machine;
  return machine;
}

Machine::Hold::Hold() : machine_(of_process()), lock_(machine_.mutex_) {}

const CompiledKernel& Machine::kernel(const Composed& composed, bool checked) {
  std::unique_ptr<CompiledKernel>& kernel = kernels_[{composed.text, checked}];
  if (kernel == nullptr) kernel = std::make_unique<CompiledKernel>(composed, checked);
  return *kernel;
}

}  // namespace xlstm::metal_emulator
