#include "tests/metal/emulator/memory_faults.h"

#include "tests/metal/emulator/fiber_switch.h"
#include "tests/metal/emulator/launch.h"

namespace xlstm::metal_emulator {
namespace {

// A handler finds nothing but what belongs to the process: launches run one at a time.
Launch* running = nullptr;

void on_signal(int number, siginfo_t* information, void* context) {
  if (running != nullptr)
    running->memory_fault(information->si_addr, program_counter(context), "touches");
  ::signal(number, SIG_DFL);  // not the kernel's: the access is tried again, and ends the process
}

}  // namespace

// SA_NODEFER: the launch leaves the handler by a switch of stacks, after which the signal must
// still come.
MemoryFaults::MemoryFaults(Launch& launch) : stack_(64 * 1024) {
  running = &launch;
  stack_t stack{};
  stack.ss_sp = stack_.data();
  stack.ss_size = stack_.size();
  ::sigaltstack(&stack, &before_stack_);
  struct sigaction action {};
  action.sa_sigaction = &on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  ::sigaction(SIGSEGV, &action, &before_segv_);
  ::sigaction(SIGBUS, &action, &before_bus_);
}

MemoryFaults::~MemoryFaults() {
  ::sigaction(SIGSEGV, &before_segv_, nullptr);
  ::sigaction(SIGBUS, &before_bus_, nullptr);
  ::sigaltstack(&before_stack_, nullptr);
  running = nullptr;
}

}  // namespace xlstm::metal_emulator
