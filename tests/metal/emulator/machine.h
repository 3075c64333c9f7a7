// What outlives a launch, as a run of a whole model is thousands of them: stacks, and kernels that
// are loaded.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "tests/metal/emulator/compiler.h"
#include "tests/metal/emulator/fibers.h"
#include "tests/metal/emulator/geometry.h"

namespace xlstm::metal_emulator {

class Machine {
 public:
  // Of the process: signals, which launches answer, are the process's as well. Held as long as it
  // is used.
  class Hold {
   public:
    Hold();
    Machine* operator->() const { return &machine_; }

   private:
    Machine& machine_;
    std::lock_guard<std::mutex> lock_;
  };

  Fibers& fibers() { return fibers_; }
  const CompiledKernel& kernel(const Composed& composed, bool checked);

 private:
  Machine() = default;
  static Machine& of_process();

  std::mutex mutex_;
  Fibers fibers_{kMaxThreads};
  std::map<std::pair<std::string, bool>, std::unique_ptr<CompiledKernel>> kernels_;
};

}  // namespace xlstm::metal_emulator
