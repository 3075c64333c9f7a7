// How a grid of threads is cut into threadgroups, as Metal's dispatchThreads does.
#pragma once

#include <array>
#include <cstddef>

#include "tests/metal/shim/runtime.h"

namespace xlstm::metal_emulator {

constexpr std::size_t kSimdWidth = 32;
constexpr std::size_t kMaxThreads = 1024;                // of a threadgroup
constexpr std::size_t kMaxThreadgroupBytes = 32 * 1024;  // of its memory

using Size3 = std::array<unsigned, 3>;

struct Geometry {
  Size3 grid;   // threads in all
  Size3 group;  // threads of a threadgroup; those at the far edges of the grid are smaller

  // MLX makes a threadgroup no larger than the grid. Throws Error(kInternal) for an empty grid, a
  // threadgroup of none or of more than 1024 threads.
  Geometry(const Size3& wanted_grid, const Size3& wanted_group);

  Size3 groups() const;  // how many, in each direction
  std::size_t group_count() const;
  Size3 group_position(std::size_t index) const;
  Size3 group_size(std::size_t index) const;  // of this one
  // The attributes of a thread of threadgroup `index`.
  msl::Thread attributes(std::size_t index, std::size_t thread) const;
};

constexpr std::size_t volume(const Size3& size) {
  return std::size_t{size[0]} * size[1] * size[2];
}

}  // namespace xlstm::metal_emulator
