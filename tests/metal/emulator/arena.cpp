#include "tests/metal/emulator/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/error.h"

namespace xlstm::metal_emulator {
namespace {

constexpr std::size_t kRange = std::size_t{64} << 30;
constexpr std::size_t kSlot = std::size_t{64} << 20;
constexpr std::size_t kGap = kSlot / 2;

}  // namespace

Arena::Arena() : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
  void* const memory =
      ::mmap(nullptr, kRange, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    fail_wanted(ErrorKind::kMemory, "metal emulator", "64 GiB of addresses (no memory)",
                std::strerror(errno));
  }
  begin_ = static_cast<std::byte*>(memory);
  end_ = begin_ + kRange;
}

Arena::~Arena() {
  ::munmap(begin_, kRange);
}

Array& Arena::add(std::string name, Role role, std::size_t bytes, std::size_t cell, bool checked) {
  const std::size_t room = ceil_div(bytes, page_) * page_;
  const std::size_t slots = ceil_div(room + kGap, kSlot);
  std::byte* const start = begin_ + slots_.size() * kSlot;
  if (slots > (kRange / kSlot) - slots_.size() ||
      (room > 0 && ::mprotect(start, room, PROT_READ | PROT_WRITE) != 0)) {
    fail(ErrorKind::kMemory, name, str("no memory for ", bytes, " bytes in the emulator's range"));
  }
  std::byte* const data = start + (room - ceil_div(bytes, std::size_t{16}) * 16);
  Array& array = arrays_.emplace_back(
      Array{std::move(name), role, data, bytes, checked ? Shadow(bytes, cell) : Shadow()});
  slots_.insert(slots_.end(), slots, &array);
  fill_with_nan(array);
  return array;
}

Array* Arena::near(const void* address) {
  const std::size_t slot =
      static_cast<std::size_t>(static_cast<const std::byte*>(address) - begin_) / kSlot;
  return slot < slots_.size() ? slots_[slot] : nullptr;
}

void fill_with_nan(const Array& array) {
  std::memset(array.data, 0xff, array.bytes);
}

}  // namespace xlstm::metal_emulator
