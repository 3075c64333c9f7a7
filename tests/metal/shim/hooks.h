// What -fsanitize=thread and -fsanitize=bounds,... let the compiler call, in place of their
// libraries: each load and store of the kernel tells the emulator, and arithmetic that is undefined
// ends the run.
#pragma once

#include "words.h"

#define MSL_HOOK \
  extern "C" __attribute__((visibility("default"), no_sanitize("thread"), no_sanitize("undefined")))

#define MSL_ACCESS_HOOK(name, bytes, kind)                              \
  MSL_HOOK void __tsan_##name(void* address) {                          \
    msl::runtime->access(msl::runtime->self, address, bytes, msl::kind, \
                         __builtin_return_address(0));                  \
  }
#define MSL_ACCESS_HOOKS(bytes)              \
  MSL_ACCESS_HOOK(read##bytes, bytes, kRead) \
  MSL_ACCESS_HOOK(write##bytes, bytes, kWrite)
#define MSL_UNALIGNED_HOOKS(bytes)                     \
  MSL_ACCESS_HOOK(unaligned_read##bytes, bytes, kRead) \
  MSL_ACCESS_HOOK(unaligned_write##bytes, bytes, kWrite)
MSL_ACCESS_HOOKS(1)
MSL_ACCESS_HOOKS(2)
MSL_ACCESS_HOOKS(4)
MSL_ACCESS_HOOKS(8)
MSL_ACCESS_HOOKS(16)
MSL_UNALIGNED_HOOKS(2)
MSL_UNALIGNED_HOOKS(4)
MSL_UNALIGNED_HOOKS(8)
MSL_UNALIGNED_HOOKS(16)

MSL_HOOK void __tsan_read_range(void* address, unsigned long bytes) {
  msl::runtime->access(msl::runtime->self, address, bytes, msl::kRead, __builtin_return_address(0));
}
MSL_HOOK void __tsan_write_range(void* address, unsigned long bytes) {
  msl::runtime->access(msl::runtime->self, address, bytes, msl::kWrite,
                       __builtin_return_address(0));
}
MSL_HOOK void* __tsan_memcpy(void* to, const void* from, unsigned long bytes) {
  const void* pc = __builtin_return_address(0);
  msl::runtime->access(msl::runtime->self, from, bytes, msl::kRead, pc);
  msl::runtime->access(msl::runtime->self, to, bytes, msl::kWrite, pc);
  return __builtin_memcpy(to, from, bytes);
}
MSL_HOOK void* __tsan_memset(void* to, int value, unsigned long bytes) {
  msl::runtime->access(msl::runtime->self, to, bytes, msl::kWrite, __builtin_return_address(0));
  return __builtin_memset(to, value, bytes);
}
MSL_HOOK void __tsan_init() {}
MSL_HOOK void __tsan_func_entry(void*) {}
MSL_HOOK void __tsan_func_exit(void*) {}

namespace msl {

// The first member of what each of UBSan's handlers gets.
struct UndefinedPlace {
  const char* file;
  uint line, column;
};
METAL_FUNC void undefined(const UndefinedPlace* place, const char* op, const char* what) {
  runtime->fail(runtime->self, what, {op, place->file, int(place->line), int(place->column)});
}

}  // namespace msl

#define MSL_UNDEFINED_HOOK(name, what, ...)                                        \
  MSL_HOOK void __ubsan_handle_##name(msl::UndefinedPlace* place, ##__VA_ARGS__) { \
    msl::undefined(place, #name, what);                                            \
  }
MSL_UNDEFINED_HOOK(out_of_bounds, "an index outside of its dimension", void*)
MSL_UNDEFINED_HOOK(shift_out_of_bounds, "a shift by more than there are bits", void*, void*)
MSL_UNDEFINED_HOOK(add_overflow, "a signed sum that overflows", void*, void*)
MSL_UNDEFINED_HOOK(sub_overflow, "a signed difference that overflows", void*, void*)
MSL_UNDEFINED_HOOK(mul_overflow, "a signed product that overflows", void*, void*)
MSL_UNDEFINED_HOOK(negate_overflow, "a negation that overflows", void*)
MSL_UNDEFINED_HOOK(divrem_overflow, "a division by zero, or one that overflows", void*, void*)
