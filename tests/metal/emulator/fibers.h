// Threads that run one at a time, each on a stack of its own, and give way by themselves.
#pragma once

#include <cstddef>
#include <vector>

namespace xlstm::metal_emulator {

class Fibers {
 public:
  using Entry = void (*)(void* argument, std::size_t fiber);

  // Room for `count`. Throws Error(kMemory) where the system gives no stacks.
  explicit Fibers(std::size_t count);
  ~Fibers();
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  // `fiber` will begin with entry(argument, fiber), which must not return; what it did before is
  // forgotten.
  void prepare(std::size_t fiber, Entry entry, void* argument);
  // Runs `fiber` until it gives way.
  void resume(std::size_t fiber);
  // Called by the fiber that runs: goes back to whoever resumed it.
  void give_way();

  std::size_t running() const { return running_; }
  // Whether an address lies in the stack of a fiber, or in what guards it below.
  bool in_stack_of(std::size_t fiber, const void* address) const;
  bool in_guard_of(std::size_t fiber, const void* address) const;
  bool in_any_stack(const void* address) const;

 private:
  std::byte* bottom(std::size_t fiber) const { return memory_ + fiber * stride_; }

  std::byte* memory_ = nullptr;
  std::size_t page_, stride_, count_;
  std::vector<void*> pointers_;  // the stack pointer of each fiber that waits
  void* resumer_ = nullptr;
  std::size_t running_ = 0;
};

}  // namespace xlstm::metal_emulator
