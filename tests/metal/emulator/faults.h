// What went wrong in a run, put down where it happened, on a thread's small stack, and told at its
// end.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/metal/emulator/arena.h"
#include "tests/metal/emulator/compiler.h"
#include "tests/metal/emulator/geometry.h"
#include "tests/metal/shim/runtime.h"

namespace xlstm::metal_emulator {

enum class FaultKind {
  kRace,           // pc, now, other, array, offset
  kUninitialised,  // pc, now, array, offset
  kNeverWritten,   // array, offset: of an output, after the run
  kOutOfBounds,    // pc, now, array, offset
  kInputWritten,   // pc, now, array, offset
  kForeignStack,   // pc, now
  kStackOverflow,  // pc, now
  kTooLarge,       // site, bytes: threadgroup memory
  kDiverged,       // site and now, other_site and other
  kReturned,       // site and now, other: one is at a barrier that the other will never reach
  kRefused,        // site, now, what
};

struct Fault {
  FaultKind kind;
  Moment now{}, other{};
  msl::Site site{}, other_site{};
  const Array* array = nullptr;
  std::ptrdiff_t offset = 0;  // bytes from the array's begin
  std::size_t bytes = 0;
  const char* what = "";
  const char* verb = "touches";  // "reads" or "writes", where that is known
  const char* other_verb = "";
};

class Faults {
 public:
  Faults(const CompiledKernel& kernel, const Geometry& geometry)
      : kernel_(kernel), geometry_(geometry) {}

  // One of each kind at each place in the code is kept.
  void add(const Fault& fault);
  // Error(kInternal) that tells the first few, where there are any.
  void throw_any() const;

 private:
  std::string text_of(const Fault& fault) const;
  std::string place_of(const Fault& fault) const;
  std::string thread_name(const Moment& moment) const;
  std::string element_name(const Fault& fault) const;
  std::string what_of(const Fault& fault) const;

  const CompiledKernel& kernel_;
  const Geometry& geometry_;
  std::vector<Fault> faults_;
  std::set<std::pair<FaultKind, std::uint64_t>> seen_;
  std::size_t more_ = 0;
};

}  // namespace xlstm::metal_emulator
