#include "xlstm/group/region.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace xlstm {

Region::~Region() {
  unmap();
}

std::span<std::byte> Region::slot(int rank, std::uint32_t round) const {
  const std::size_t index = 2 * static_cast<std::size_t>(rank) + round % 2;
  return {memory_ + sizeof(RegionHeader) + index * kSlot, kSlot};
}

void Region::bring(int rank, std::uint32_t round, std::uint64_t bytes,
                   std::span<const std::byte> piece) {
  if (!piece.empty()) std::memcpy(slot(rank, round).data(), piece.data(), piece.size());
  RankRecord& own = this->rank(rank);
  own.bytes[round % 2] = bytes;
  own.round.store(round, std::memory_order_release);
}

void Region::note_failure(int rank, ErrorKind kind, std::string_view what) noexcept {
  std::uint32_t none = 0;
  if (!header().failed.compare_exchange_strong(none, static_cast<std::uint32_t>(rank) + 1)) return;
  header().failure_kind = static_cast<std::uint32_t>(kind);
  const std::size_t length = std::min(what.size(), RegionHeader::kMostMessage - 1);
  std::copy_n(what.begin(), length, header().failure.begin());
  header().failure_told = 1;
}

void Region::leave(int rank) noexcept {
  this->rank(rank).left = 1;
}

std::size_t Region::bytes_for(int size) {
  return sizeof(RegionHeader) + 2 * static_cast<std::size_t>(size) * kSlot;
}

void Region::map(int descriptor, int size) {
  bytes_ = bytes_for(size);
  const int flags = MAP_SHARED | (descriptor < 0 ? MAP_ANONYMOUS : 0);
  void* const at = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  if (at == MAP_FAILED) {
    fail(ErrorKind::kMemory, "group", str(bytes_, " bytes of memory to share cannot be had"));
  }
  memory_ = static_cast<std::byte*>(at);
}

void Region::unmap() noexcept {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
  memory_ = nullptr;
}

void Region::begin(int size) {
  ::new (memory_) RegionHeader;
  header().size = static_cast<std::uint32_t>(size);
}

}  // namespace xlstm
