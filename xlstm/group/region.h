// Where the ranks of a group meet: memory that they share (shared_region.h), or of which each has a
// copy that messages keep like the others' (tcp_region.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "xlstm/base/error.h"
#include "xlstm/group/rendezvous.h"

namespace xlstm {

// Of one rank, on a line of its own: it alone writes it, or who hears its messages.
struct alignas(64) RankRecord {
  std::atomic<std::uint32_t> round{0};   // how often it has come to a meeting
  std::array<std::uint64_t, 2> bytes{};  // that it brings there, in turns as the slots
  std::atomic<std::uint32_t> joined{0};  // 1: its process is `process`
  std::atomic<std::uint32_t> left{0};    // 1: it comes to no more meetings
  std::atomic<std::int64_t> process{0};  // its id; 0: a thread, or on any host
};

struct RegionHeader {
  static constexpr std::uint64_t kMagic = 0x78'6c'73'74'6d'67'72'31;  // "xlstmgr1"
  static constexpr std::size_t kMostMessage = 1024;

  std::atomic<std::uint64_t> magic{0};  // written last
  std::uint32_t size = 0;
  std::atomic<std::uint32_t> all_here{0};
  std::atomic<std::uint32_t> failed{0};        // 1 and the rank that failed first
  std::atomic<std::uint32_t> failure_told{0};  // its message is written
  std::uint32_t failure_kind = 0;
  std::array<char, kMostMessage> failure{};
  std::array<RankRecord, kMostRanks> ranks;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "shared between processes");

// Two slots of each rank, in turns: a rank may fill the next while others still read the last.
class Region {
 public:
  static constexpr std::size_t kSlot = std::size_t{1} << 18;  // bytes: near the core

  virtual ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  RegionHeader& header() const { return *reinterpret_cast<RegionHeader*>(memory_); }
  RankRecord& rank(int rank) const { return header().ranks[static_cast<std::size_t>(rank)]; }
  std::span<std::byte> slot(int rank, std::uint32_t round) const;

  // --- what one of the ranks here says: as long as others hear it ------------------------------
  // It comes to meeting number `round` with a piece, at most a slot, of `bytes` that it brings.
  virtual void bring(int rank, std::uint32_t round, std::uint64_t bytes,
                     std::span<const std::byte> piece);
  // Why it cannot go on; the first failure of all is kept. Others hear of it when it leaves.
  void note_failure(int rank, ErrorKind kind, std::string_view what) noexcept;
  virtual void leave(int rank) noexcept;

  // How one ended that has not left; empty: it has not.
  virtual std::string_view end_of(int rank) const = 0;

 protected:
  Region() = default;
  static std::size_t bytes_for(int size);
  // Of a file, or, where `descriptor` is negative, memory of this process. Throws Error(kMemory).
  void map(int descriptor, int size);
  void unmap() noexcept;
  void begin(int size);  // a header in what is mapped

 private:
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace xlstm
