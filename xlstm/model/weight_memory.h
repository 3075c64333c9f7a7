// Where a model's weights lie.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mlx/array.h"

namespace xlstm {

// Memory for weights that are read together: on the CPU one piece for all, in large pages, each
// array at the start of a cache line; on a GPU, whose driver has its own ways, an array has its
// own.
class WeightMemory {
 public:
  // What arrays of `bytes` in all take at most, if there are `arrays` of them.
  static std::uint64_t room_for(std::uint64_t bytes, std::uint64_t arrays);

  // Room for `room` bytes; what does not fit gets memory of its own. Throws Error(kMemory).
  explicit WeightMemory(std::uint64_t room);

  // An array whose numbers are yet to be written; `where` says what for. Throws Error(kMemory).
  mlx::core::array take(const mlx::core::Shape& shape, mlx::core::Dtype dtype,
                        std::string_view where);

 private:
  std::optional<mlx::core::array> piece_;  // its shape, [1], says nothing
  std::uint64_t used_ = 0, room_ = 0;      // bytes from the start of piece_
};

}  // namespace xlstm
