// What a checked run remembers of each few bytes of an array: who wrote and read them last, and
// when.
//
// Two accesses are ordered where a barrier, or a thread's own course, puts one before the other:
//   the same thread; or the same threadgroup, with a threadgroup barrier for this memory between
//   them; or the same SIMD group, with a barrier of either kind between them. Threads of two
//   threadgroups never are.
// This needs neither a lucky schedule nor a differing value, and it is complete for the branches
// that a run takes: what is forgotten of a cell is ordered before what is kept of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace xlstm::metal_emulator {

// Who accesses, and when: barriers of the threadgroup and of the SIMD group so far, for this kind
// of memory.
struct Moment {
  std::uint32_t threadgroup;  // from 1 on; 0: nobody
  std::uint32_t thread;       // its index in the threadgroup
  std::uint32_t group_epoch, simd_epoch;
  std::uint32_t pc;  // where in the kernel's code
};

// Accesses of one kind to one cell, as far as they can be unordered with a later one.
class History {
 public:
  bool empty() const { return last_.threadgroup == 0; }
  const Moment& last() const { return last_; }
  void clear() { *this = History(); }
  // The only access that matters: all earlier ones are ordered before it.
  void replace(const Moment& now);
  void add(const Moment& now);
  // Whether any of them is not ordered before `now`.
  bool conflicts(const Moment& now) const;

 private:
  bool is_before(const Moment& now) const;

  Moment last_{};
  bool many_lanes_ = false;         // of the last one's SIMD group, since its barrier
  bool many_simd_groups_ = false;   // of the last one's threadgroup, since its barrier
  bool many_threadgroups_ = false;  // ever
};

enum class Hazard { kNone, kUninitialised, kReadAfterWrite, kWriteAfterRead, kWriteAfterWrite };

class Shadow {
 public:
  struct Finding {
    Hazard hazard = Hazard::kNone;
    Moment other{};  // the earlier access; nobody's for kUninitialised
  };

  Shadow() = default;
  Shadow(std::size_t bytes, std::size_t cell);

  // The host wrote all of it before the kernel began.
  void set_initialised() { initialised_ = true; }
  // Of the first of `bytes` bytes that nobody wrote; or `bytes`.
  std::size_t first_unwritten(std::size_t bytes) const;
  // Nothing is known, and nothing initialised.
  void forget();
  Finding read(std::size_t offset, std::size_t bytes, const Moment& now);
  Finding write(std::size_t offset, std::size_t bytes, const Moment& now);
  // A relaxed atomic operation: as a write, but it may meet others of its kind. `reads`: it uses
  // what is there.
  Finding change_atomically(std::size_t offset, std::size_t bytes, const Moment& now, bool reads);

 private:
  struct Cell {
    History writes, reads, atomics;
    std::uint32_t life;  // cells of an earlier life are forgotten
  };
  template <typename Look>
  Finding each_cell(std::size_t offset, std::size_t bytes, const Look& look);
  Finding not_written(const Cell& cell) const;

  std::size_t cell_bytes_ = 4;
  std::uint32_t life_ = 0;
  bool initialised_ = false;
  struct Free {
    void operator()(Cell* cells) const;
  };
  std::unique_ptr<Cell[], Free> cells_;
};

}  // namespace xlstm::metal_emulator
