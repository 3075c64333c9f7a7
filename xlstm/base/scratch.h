// Memory that a thread keeps from call to call.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <string_view>

#include "xlstm/base/error.h"

namespace xlstm {

// Grows to the largest size asked for, and stays. Aligned to 128 bytes; uninitialised.
class Scratch {
 public:
  // Throws Error(kMemory), which names `where`.
  float* floats(std::size_t count, std::string_view where) {
    if (size_ < count) {
      memory_.reset();
      size_ = 0;
      memory_.reset(static_cast<float*>(
          ::operator new(count * sizeof(float), std::align_val_t(kAlignment), std::nothrow)));
      if (memory_ == nullptr) {
        fail_wanted(ErrorKind::kMemory, where, str(count * sizeof(float), " bytes of memory"),
                    "none");
      }
      size_ = count;
    }
    return memory_.get();
  }

 private:
  static constexpr std::size_t kAlignment = 128;
  struct Free {
    void operator()(float* memory) const {
      ::operator delete(memory, std::align_val_t(kAlignment));
    }
  };

  std::unique_ptr<float, Free> memory_;
  std::size_t size_ = 0;
};

}  // namespace xlstm
