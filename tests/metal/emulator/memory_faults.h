// The signals by which a system answers an access to memory that is not there.
#pragma once

#include <signal.h>

#include <cstddef>
#include <vector>

namespace xlstm::metal_emulator {

class Launch;

// While it lives, such a signal is told to the launch; one that is not the kernel's ends the
// process as before.
class MemoryFaults {
 public:
  explicit MemoryFaults(Launch& launch);
  ~MemoryFaults();
  MemoryFaults(const MemoryFaults&) = delete;
  MemoryFaults& operator=(const MemoryFaults&) = delete;

 private:
  std::vector<std::byte> stack_;
  struct sigaction before_segv_, before_bus_;
  stack_t before_stack_;
};

}  // namespace xlstm::metal_emulator
