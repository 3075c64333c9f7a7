// Memory that a thread keeps from call to call.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <string_view>

namespace xlstm {

// Grows to the largest size asked for, and stays. Uninitialised; starts at a multiple of 128 bytes.
class Scratch {
 public:
  // Throw Error(kMemory), which names `where`.
  std::byte* bytes(std::size_t count, std::string_view where);
  float* floats(std::size_t count, std::string_view where);

 private:
  struct Free {
    std::align_val_t alignment;
    void operator()(std::byte* memory) const { ::operator delete(memory, alignment); }
  };

  std::unique_ptr<std::byte, Free> memory_{nullptr, Free{}};
  std::size_t size_ = 0;
};

}  // namespace xlstm
