#include "tests/metal/emulator/geometry.h"

#include <algorithm>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/error.h"

namespace xlstm::metal_emulator {
namespace {

std::string text_of(const Size3& size) {
  return str("(", size[0], ", ", size[1], ", ", size[2], ")");
}

Size3 position_in(const Size3& size, std::size_t index) {
  return {static_cast<unsigned>(index % size[0]), static_cast<unsigned>(index / size[0] % size[1]),
          static_cast<unsigned>(index / size[0] / size[1])};
}

void put(unsigned (&out)[3], const Size3& value) {
  std::copy(value.begin(), value.end(), out);
}

}  // namespace

Geometry::Geometry(const Size3& wanted_grid, const Size3& wanted_group)
    : grid(wanted_grid), group(wanted_group) {
  for (int d = 0; d < 3; ++d) group[d] = std::min(group[d], grid[d]);
  if (volume(grid) == 0 || volume(group) == 0 || volume(group) > kMaxThreads) {
    fail_wanted(ErrorKind::kInternal, "metal launch",
                "a grid of at least one thread, and threadgroups of 1 to 1024",
                str("a grid of ", text_of(wanted_grid), " threads in threadgroups of ",
                    text_of(wanted_group)));
  }
}

Size3 Geometry::groups() const {
  Size3 counts;
  for (int d = 0; d < 3; ++d) counts[d] = ceil_div(grid[d], group[d]);
  return counts;
}

std::size_t Geometry::group_count() const {
  return volume(groups());
}

Size3 Geometry::group_position(std::size_t index) const {
  return position_in(groups(), index);
}

Size3 Geometry::group_size(std::size_t index) const {
  const Size3 position = group_position(index);
  Size3 size;
  for (int d = 0; d < 3; ++d) size[d] = std::min(group[d], grid[d] - position[d] * group[d]);
  return size;
}

msl::Thread Geometry::attributes(std::size_t index, std::size_t thread) const {
  const Size3 position = group_position(index), size = group_size(index);
  const Size3 local = position_in(size, thread);
  Size3 global;
  for (int d = 0; d < 3; ++d) global[d] = position[d] * group[d] + local[d];
  const auto simd_groups = [](const Size3& threads) {
    return static_cast<unsigned>(ceil_div(volume(threads), kSimdWidth));
  };
  msl::Thread out{};
  put(out.thread_position_in_grid, global);
  put(out.thread_position_in_threadgroup, local);
  put(out.threadgroup_position_in_grid, position);
  put(out.threads_per_grid, grid);
  put(out.grid_size, grid);
  put(out.threads_per_threadgroup, size);
  put(out.dispatch_threads_per_threadgroup, group);
  put(out.threadgroups_per_grid, groups());
  out.thread_index_in_threadgroup[0] = static_cast<unsigned>(thread);
  out.thread_index_in_simdgroup[0] = static_cast<unsigned>(thread % kSimdWidth);
  out.simdgroup_index_in_threadgroup[0] = static_cast<unsigned>(thread / kSimdWidth);
  out.simdgroups_per_threadgroup[0] = simd_groups(size);
  out.dispatch_simdgroups_per_threadgroup[0] = simd_groups(group);
  out.threads_per_simdgroup[0] = out.thread_execution_width[0] = kSimdWidth;
  return out;
}

}  // namespace xlstm::metal_emulator
