#include "tests/engine/failing_allocations.h"

#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t kMessage = 300;    // room for what tells of it
thread_local int allocations_left = -1;  // larger ones, before one fails; -1: none does

void* allocate(std::size_t size) {
  if (size > kMessage && allocations_left >= 0 && allocations_left-- == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
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

namespace xlstm::test {

void fail_allocation(int nth) {
  allocations_left = nth;
}

bool fail_none() {
  const bool failed = allocations_left < 0;
  allocations_left = -1;
  return failed;
}

}  // namespace xlstm::test
