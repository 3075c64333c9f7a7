// How kernels' names call element types, and sizes as they take them.
#pragma once

#include <cstdint>
#include <limits>

#include "xlstm/base/dtype.h"
#include "xlstm/base/error.h"

namespace xlstm::cuda {

inline const char* type_name(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "f32";
    case DType::kBF16:
      return "bf16";
    case DType::kF16:
      return "f16";
    default:
      break;
  }
  fail_wanted(ErrorKind::kInternal, "cuda", "F32, BF16 or F16", name_of(dtype));
}

// A size for a kernel that counts in 32 bits.
inline int narrow(std::int64_t size) {
  if (size >= 0 && size <= std::numeric_limits<int>::max()) return static_cast<int>(size);
  fail_wanted(ErrorKind::kInternal, "cuda", "a size below 2^31", str(size));
}

// Blocks for `count` pieces of work, `each` a block.
inline unsigned blocks_for(std::int64_t count, std::int64_t each) {
  return static_cast<unsigned>((count + each - 1) / each);
}
// The same for kernels of 256 threads that go on where there are more elements than threads.
inline unsigned element_blocks(std::int64_t elements) {
  constexpr unsigned kMost = 1 << 16;
  const unsigned blocks = blocks_for(elements, 256);
  return blocks < kMost ? blocks : kMost;
}

}  // namespace xlstm::cuda
