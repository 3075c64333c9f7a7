// The memory that a kernel may touch: one range of addresses of which nothing can be read or
// written but the arrays in it. Each ends with a page (in steps of 16 bytes) and is followed by at
// least 32 MiB of nothing, so that the first elements past its end fault even in a run that checks
// no access.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "tests/metal/emulator/shadow.h"

namespace xlstm::metal_emulator {

enum class Role { kInput, kOutput, kThreadgroup };

struct Array {
  std::string name;
  Role role;
  std::byte* data;
  std::size_t bytes;
  Shadow shadow;  // empty but in a checked run

  bool holds(const void* address, std::size_t size) const {
    const auto* const at = static_cast<const std::byte*>(address);
    return at >= data && size <= bytes && at <= data + (bytes - size);
  }
};

class Arena {
 public:
  // Throws Error(kMemory) where the system has no such range.
  Arena();
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // `cell`: bytes that two threads may write side by side (1, 2 or 4). Filled with NaN. The
  // reference stays good.
  Array& add(std::string name, Role role, std::size_t bytes, std::size_t cell, bool checked);
  bool contains(const void* address) const { return address >= begin_ && address < end_; }
  // The array in whose part of the range an address lies, inside or outside of its bytes; or
  // nullptr.
  Array* near(const void* address);
  const std::deque<Array>& arrays() const { return arrays_; }
  Array* last() { return arrays_.empty() ? nullptr : &arrays_.back(); }

 private:
  std::byte* begin_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t page_;
  std::vector<Array*> slots_;  // what each slot of the range belongs to
  std::deque<Array> arrays_;
};

// As MLX leaves an output, and a threadgroup its memory: every float of any type is NaN.
void fill_with_nan(const Array& array);

}  // namespace xlstm::metal_emulator
