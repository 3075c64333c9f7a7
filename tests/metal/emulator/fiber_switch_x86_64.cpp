#include <ucontext.h>
#include <xmmintrin.h>

#include <cstdint>

#include "tests/metal/emulator/fiber_switch.h"

// It ends in a jump: a return would always be predicted wrong, and costs three times as much.
__asm__(R"(
.text
.p2align 4
.globl xlstm_fiber_switch
.type xlstm_fiber_switch, @function
xlstm_fiber_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  popq %rcx
  jmpq *%rcx
.size xlstm_fiber_switch, .-xlstm_fiber_switch

.globl xlstm_fiber_begin
.type xlstm_fiber_begin, @function
xlstm_fiber_begin:
  movq %r12, %rdi
  movq %r13, %rsi
  xorl %ebp, %ebp
  callq *%rbx
  ud2
.size xlstm_fiber_begin, .-xlstm_fiber_begin
)");

namespace xlstm::metal_emulator {

extern "C" void xlstm_fiber_begin() __asm__("xlstm_fiber_begin");

void* fiber_stack(std::byte* top, void (*entry)(void*, std::size_t), void* argument,
                  std::size_t fiber) {
  auto* const stack = reinterpret_cast<std::uint64_t*>(top) - 7;
  stack[0] = stack[1] = 0;                               // r15, r14
  stack[2] = fiber;                                      // r13
  stack[3] = reinterpret_cast<std::uint64_t>(argument);  // r12
  stack[4] = reinterpret_cast<std::uint64_t>(entry);     // rbx
  stack[5] = 0;                                          // rbp
  stack[6] = reinterpret_cast<std::uint64_t>(&xlstm_fiber_begin);
  return stack;  // after the pops the pointer is `top`, as it has to be before a call
}

const void* program_counter(const void* context) {
  const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  return reinterpret_cast<const void*>(registers[REG_RIP]);
}

FlushDenormals::FlushDenormals(bool flush) : before_(_mm_getcsr()) {
  constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x40;
  if (flush) _mm_setcsr(static_cast<unsigned>(before_) | kFlushToZero | kDenormalsAreZero);
}
FlushDenormals::~FlushDenormals() {
  _mm_setcsr(static_cast<unsigned>(before_));
}

}  // namespace xlstm::metal_emulator
