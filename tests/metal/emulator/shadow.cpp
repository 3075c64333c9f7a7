#include "tests/metal/emulator/shadow.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

#include "xlstm/base/ceil_div.h"

namespace xlstm::metal_emulator {
namespace {

constexpr std::uint32_t kLanes = 32;

bool same_simd_group(const Moment& a, const Moment& b) {
  return a.thread / kLanes == b.thread / kLanes;
}

}  // namespace

void History::replace(const Moment& now) {
  clear();
  last_ = now;
}

void History::add(const Moment& now) {
  if (empty()) return replace(now);
  if (last_.threadgroup != now.threadgroup) {
    replace(now);
    many_threadgroups_ = true;
    return;
  }
  if (last_.group_epoch < now.group_epoch) {  // all of this threadgroup's are ordered before
    const bool many = many_threadgroups_;
    replace(now);
    many_threadgroups_ = many;
    return;
  }
  if (!same_simd_group(last_, now)) {
    many_simd_groups_ = true;
    many_lanes_ = false;
  } else if (last_.simd_epoch < now.simd_epoch) {
    many_lanes_ = false;
  } else if (last_.thread != now.thread) {
    many_lanes_ = true;
  }
  last_ = now;
}

bool History::is_before(const Moment& now) const {
  return last_.thread == now.thread || last_.group_epoch < now.group_epoch ||
         (same_simd_group(last_, now) && last_.simd_epoch < now.simd_epoch);
}

bool History::conflicts(const Moment& now) const {
  if (empty()) return false;
  if (many_threadgroups_ || last_.threadgroup != now.threadgroup) return true;
  if (last_.group_epoch < now.group_epoch) return false;
  if (many_simd_groups_ || !is_before(now)) return true;
  return many_lanes_ && last_.simd_epoch == now.simd_epoch;
}

// Zeroed memory of the system's, most of which is never touched. Cells are nobody's where all is
// zero.
Shadow::Shadow(std::size_t bytes, std::size_t cell) : cell_bytes_(cell) {
  static_assert(std::is_trivially_destructible_v<Cell>);
  void* const memory = std::calloc(ceil_div(bytes, cell) + 1, sizeof(Cell));
  if (memory == nullptr) throw std::bad_alloc();
  cells_.reset(static_cast<Cell*>(memory));
}
void Shadow::Free::operator()(Cell* cells) const {
  std::free(cells);
}

void Shadow::forget() {
  ++life_;
  initialised_ = false;
}

std::size_t Shadow::first_unwritten(std::size_t bytes) const {
  std::size_t offset = 0;
  while (offset < bytes && not_written(cells_[offset / cell_bytes_]).hazard == Hazard::kNone) {
    offset += cell_bytes_;
  }
  return std::min(offset, bytes);
}

// The first finding of the cells that an access touches; all of them are brought up to date.
template <typename Look>
Shadow::Finding Shadow::each_cell(std::size_t offset, std::size_t bytes, const Look& look) {
  Finding found;
  const std::size_t last = (offset + bytes - 1) / cell_bytes_;
  for (std::size_t i = offset / cell_bytes_; i <= last; ++i) {
    Cell& cell = cells_[i];
    if (cell.life != life_) cell = Cell{{}, {}, {}, life_};
    const Finding finding = look(cell);
    if (found.hazard == Hazard::kNone) found = finding;
  }
  return found;
}

Shadow::Finding Shadow::not_written(const Cell& cell) const {
  const bool written = initialised_ || !cell.writes.empty() || !cell.atomics.empty();
  return {written ? Hazard::kNone : Hazard::kUninitialised, {}};
}

Shadow::Finding Shadow::read(std::size_t offset, std::size_t bytes, const Moment& now) {
  return each_cell(offset, bytes, [&](Cell& cell) -> Finding {
    cell.reads.add(now);
    if (cell.writes.conflicts(now)) return {Hazard::kReadAfterWrite, cell.writes.last()};
    if (cell.atomics.conflicts(now)) return {Hazard::kReadAfterWrite, cell.atomics.last()};
    return not_written(cell);
  });
}

Shadow::Finding Shadow::write(std::size_t offset, std::size_t bytes, const Moment& now) {
  return each_cell(offset, bytes, [&](Cell& cell) -> Finding {
    Finding found;
    if (cell.reads.conflicts(now)) found = {Hazard::kWriteAfterRead, cell.reads.last()};
    if (cell.atomics.conflicts(now)) found = {Hazard::kWriteAfterWrite, cell.atomics.last()};
    if (cell.writes.conflicts(now)) found = {Hazard::kWriteAfterWrite, cell.writes.last()};
    cell.writes.replace(now);
    cell.reads.clear();
    cell.atomics.clear();
    return found;
  });
}

Shadow::Finding Shadow::change_atomically(std::size_t offset, std::size_t bytes, const Moment& now,
                                          bool reads) {
  return each_cell(offset, bytes, [&](Cell& cell) -> Finding {
    Finding found = reads ? not_written(cell) : Finding();
    if (cell.reads.conflicts(now)) found = {Hazard::kWriteAfterRead, cell.reads.last()};
    if (cell.writes.conflicts(now)) found = {Hazard::kWriteAfterWrite, cell.writes.last()};
    cell.atomics.add(now);
    return found;
  });
}

}  // namespace xlstm::metal_emulator
