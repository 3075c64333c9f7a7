#include <ucontext.h>

#include <cstdint>

#include "tests/metal/emulator/fiber_switch.h"

__asm__(R"(
.text
.p2align 4
.globl xlstm_fiber_switch
.type xlstm_fiber_switch, %function
xlstm_fiber_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x16, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  mov x30, x16
  br x16
.size xlstm_fiber_switch, .-xlstm_fiber_switch

.globl xlstm_fiber_begin
.type xlstm_fiber_begin, %function
xlstm_fiber_begin:
  mov x0, x20
  mov x1, x21
  blr x19
  brk #1
.size xlstm_fiber_begin, .-xlstm_fiber_begin
)");

namespace xlstm::metal_emulator {

extern "C" void xlstm_fiber_begin() __asm__("xlstm_fiber_begin");

void* fiber_stack(std::byte* top, void (*entry)(void*, std::size_t), void* argument,
                  std::size_t fiber) {
  auto* const stack = reinterpret_cast<std::uint64_t*>(top) - 20;
  for (int i = 0; i < 20; ++i) stack[i] = 0;
  stack[0] = reinterpret_cast<std::uint64_t>(entry);     // x19
  stack[1] = reinterpret_cast<std::uint64_t>(argument);  // x20
  stack[2] = fiber;                                      // x21
  stack[11] = reinterpret_cast<std::uint64_t>(&xlstm_fiber_begin);
  return stack;
}

const void* program_counter(const void* context) {
  return reinterpret_cast<const void*>(static_cast<const ucontext_t*>(context)->uc_mcontext.pc);
}

namespace {

// The floating-point control register.
unsigned long read_control() {
  unsigned long value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void write_control(unsigned long value) {
  __asm__ volatile("msr fpcr, %0" : : "r"(value));
}

}  // namespace

FlushDenormals::FlushDenormals(bool flush) : before_(read_control()) {
  constexpr unsigned long kFlushToZero = 1UL << 24;
  if (flush) write_control(before_ | kFlushToZero);
}
FlushDenormals::~FlushDenormals() {
  write_control(before_);
}

}  // namespace xlstm::metal_emulator
