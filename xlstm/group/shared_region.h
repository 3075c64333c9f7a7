// The memory in which the ranks of a group meet.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "xlstm/group/rendezvous.h"

namespace xlstm {

// Of one rank, on a line of its own: it alone writes it.
struct alignas(64) RankRecord {
  std::atomic<std::uint32_t> round{0};   // how often it has come to a meeting
  std::array<std::uint64_t, 2> bytes{};  // that it brings there, in turns as the slots
  std::atomic<std::uint32_t> joined{0};  // 1: its process is `process`
  std::atomic<std::uint32_t> left{0};    // 1: it comes to no more meetings
  std::atomic<std::int64_t> process{0};  // its id; 0: a thread
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
class SharedRegion {
 public:
  static constexpr std::size_t kSlot = std::size_t{1} << 18;  // bytes: near the core

  // Of threads.
  explicit SharedRegion(int size);
  // Rank 0 makes the file, the others wait for it; returns when all are here. Throws Error: kFile,
  // kUsage where others do not come in time.
  explicit SharedRegion(const Rendezvous& place);
  ~SharedRegion();
  SharedRegion(const SharedRegion&) = delete;
  SharedRegion& operator=(const SharedRegion&) = delete;

  RegionHeader& header() const { return *reinterpret_cast<RegionHeader*>(memory_); }
  RankRecord& rank(int rank) const { return header().ranks[static_cast<std::size_t>(rank)]; }
  std::span<std::byte> slot(int rank, std::uint32_t round) const;

 private:
  void map(int descriptor, int size);
  void unmap() noexcept;
  void make(const Rendezvous& place);
  bool find(const Rendezvous& place);
  void wait_for_all(const Rendezvous& place);

  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint64_t file_ = 0;  // which one it is: another may take its name
};

}  // namespace xlstm
