#include "tests/metal/emulator/fibers.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/metal/emulator/fiber_switch.h"
#include "xlstm/base/error.h"

namespace xlstm::metal_emulator {
namespace {

constexpr std::size_t kStack = 64 * 1024;
constexpr std::size_t kGuard =
    64 * 1024;  // more than the largest frame, so that none steps over it

}  // namespace

// A fiber's memory: a guard that nobody may touch, its stack, and a page by which the tops of
// stacks are spread, or all of them would share one set of a cache.
Fibers::Fibers(std::size_t count)
    : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))),
      stride_(kGuard + kStack + page_),
      count_(count),
      pointers_(count) {
  void* const memory = ::mmap(nullptr, count * stride_, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail(ErrorKind::kMemory, "metal emulator", "no memory for stacks");
  memory_ = static_cast<std::byte*>(memory);
  for (std::size_t i = 0; i < count; ++i) {
    if (::mprotect(bottom(i), kGuard, PROT_NONE) != 0)
      fail(ErrorKind::kMemory, "metal emulator", "cannot guard the stacks");
  }
}

Fibers::~Fibers() {
  ::munmap(memory_, count_ * stride_);
}

void Fibers::prepare(std::size_t fiber, Entry entry, void* argument) {
  constexpr std::size_t kSpread = 320;
  std::byte* const top = bottom(fiber) + stride_ - fiber * kSpread % page_;
  pointers_[fiber] = fiber_stack(top, entry, argument, fiber);
}

void Fibers::resume(std::size_t fiber) {
  running_ = fiber;
  xlstm_fiber_switch(&resumer_, pointers_[fiber]);
}

void Fibers::give_way() {
  xlstm_fiber_switch(&pointers_[running_], resumer_);
}

bool Fibers::in_guard_of(std::size_t fiber, const void* address) const {
  return address >= bottom(fiber) && address < bottom(fiber) + kGuard;
}
bool Fibers::in_stack_of(std::size_t fiber, const void* address) const {
  return address >= bottom(fiber) + kGuard && address < bottom(fiber) + stride_;
}
bool Fibers::in_any_stack(const void* address) const {
  return address >= memory_ && address < memory_ + count_ * stride_;
}

}  // namespace xlstm::metal_emulator
