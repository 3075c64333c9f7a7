// The part of fibers that is of the processor: fiber_switch_<processor>.cpp.
#pragma once

#include <cstddef>

namespace xlstm::metal_emulator {

// Saves what a function must keep on this stack, its pointer in *save, and goes on at `load`.
extern "C" void xlstm_fiber_switch(void** save, void* load) __asm__("xlstm_fiber_switch");

// A stack that xlstm_fiber_switch enters by entry(argument, fiber). `top`: a multiple of 16.
void* fiber_stack(std::byte* top, void (*entry)(void*, std::size_t), void* argument,
                  std::size_t fiber);

// Where a signal's context was: a ucontext_t.
const void* program_counter(const void* context);

// While it lives floats too small to be normal are zero, as operands and as results, on this
// thread.
class FlushDenormals {
 public:
  explicit FlushDenormals(bool flush);
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned long before_;
};

}  // namespace xlstm::metal_emulator
