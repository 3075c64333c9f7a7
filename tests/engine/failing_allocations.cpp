#include "tests/engine/failing_allocations.h"

#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t kMessage = 300;    // room for what tells of it
thread_local int allocations_left = -1;  // larger ones, before one fails; -1: none does
thread_local int tensors_left = -1;      // the same of tensors' memory
thread_local int tensors_to_fail = 0;    // of it, from then on

void* allocate(std::size_t size) {
  if (size > kMessage && allocations_left >= 0 && allocations_left-- == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void* allocate_aligned(std::size_t size, std::align_val_t alignment) noexcept {
  if (tensors_left >= 0 && tensors_left-- == 0) {
    if (--tensors_to_fail > 0) tensors_left = 0;
    return nullptr;
  }
  const auto unit = static_cast<std::size_t>(alignment);
  return std::aligned_alloc(unit, (size + unit - 1) / unit * unit);
}

}  // namespace

// Of the whole test program; all that the deletes below free, so that a sanitizer's own forms do
// not meet them.
void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  if (void* memory = allocate_aligned(size, alignment)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate_aligned(size, alignment);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace xlstm::test {

void fail_allocation(int nth) {
  allocations_left = nth;
}

void fail_tensor(int nth) {
  tensors_left = nth;
  tensors_to_fail = 2;
}

bool fail_none() {
  const bool failed = allocations_left < 0 && tensors_left < 0;
  allocations_left = -1;
  tensors_left = -1;
  return failed;
}

}  // namespace xlstm::test
