// What a launch does about memory: threadgroup arrays, and the accesses that a checked kernel tells
// of.
#include <algorithm>
#include <cstring>

#include "tests/metal/emulator/launch.h"
#include "xlstm/base/ceil_div.h"

namespace xlstm::metal_emulator {

void* Launch::threadgroup_array(const msl::Site& site, std::size_t bytes, unsigned cell) {
  const auto same = [&](const Shared& shared) {
    return shared.site.line == site.line && std::strcmp(shared.site.op, site.op) == 0;
  };
  const auto known = std::find_if(shared_.begin(), shared_.end(), same);
  if (known != shared_.end()) return known->array->data;
  shared_bytes_ += ceil_div(bytes, std::size_t{16}) * 16;
  if (shared_bytes_ > kMaxThreadgroupBytes) {
    stop({.kind = FaultKind::kTooLarge, .site = site, .bytes = shared_bytes_});
  }
  Array& array = arena_.add(site.op, Role::kThreadgroup, bytes, cell, options_.checked);
  shared_.push_back({site, &array});
  return array.data;
}

Moment Launch::now(Role role, const void* pc) const {
  const std::size_t thread = fibers_.running();
  const Epochs& simd = simd_groups_[thread / kSimdWidth].epochs;
  const bool shared = role == Role::kThreadgroup;
  return {.threadgroup = static_cast<std::uint32_t>(threadgroup_ + 1),
          .thread = static_cast<std::uint32_t>(thread),
          .group_epoch = shared ? epochs_.threadgroup : epochs_.device,
          .simd_epoch = shared ? simd.threadgroup : simd.device,
          .pc = pc == nullptr ? 0 : kernel_.offset_of(pc)};
}

void Launch::access(const void* address, std::size_t bytes, unsigned kind, const void* pc) {
  const bool writes = kind != msl::kRead;
  const char* const verb = writes ? "writes" : "reads";
  if (!arena_.contains(address)) {  // its own, or a constant of the program
    if (fibers_.in_any_stack(address) && !fibers_.in_stack_of(fibers_.running(), address)) {
      stop({.kind = FaultKind::kForeignStack, .now = now(Role::kThreadgroup, pc), .verb = verb});
    }
    return;
  }
  Array* const array = arena_.near(address);
  if (array == nullptr || !array->holds(address, bytes)) return memory_fault(address, pc, verb);
  Fault fault{.kind = FaultKind::kRace, .now = now(array->role, pc), .array = array};
  fault.offset = static_cast<const std::byte*>(address) - array->data;
  fault.verb = verb;
  if (writes && array->role == Role::kInput) {
    fault.kind = FaultKind::kInputWritten;
    stop(fault);
  }
  const auto offset = static_cast<std::size_t>(fault.offset);
  const Shadow::Finding found =
      kind == msl::kRead ? array->shadow.read(offset, bytes, fault.now)
      : kind == msl::kWrite
          ? array->shadow.write(offset, bytes, fault.now)
          : array->shadow.change_atomically(offset, bytes, fault.now, kind == msl::kAtomic);
  if (found.hazard == Hazard::kNone) return;
  if (found.hazard == Hazard::kUninitialised) fault.kind = FaultKind::kUninitialised;
  fault.other = found.other;
  fault.other_verb = found.hazard == Hazard::kWriteAfterRead ? "reads" : "writes";
  faults_.add(fault);
}

void Launch::fail(const char* what, const msl::Site& site) {
  stop({.kind = FaultKind::kRefused,
        .now = now(Role::kThreadgroup, nullptr),
        .site = site,
        .what = what});
}

void Launch::memory_fault(const void* address, const void* pc, const char* verb) {
  Fault fault{.kind = FaultKind::kOutOfBounds, .now = now(Role::kThreadgroup, pc), .verb = verb};
  if (fibers_.in_guard_of(fibers_.running(), address)) {
    fault.kind = FaultKind::kStackOverflow;
    stop(fault);
  }
  if (!arena_.contains(address)) return;
  fault.array = arena_.near(address);
  if (fault.array == nullptr) fault.array = arena_.last();
  if (fault.array == nullptr) return;
  fault.offset = static_cast<const std::byte*>(address) - fault.array->data;
  stop(fault);
}

// Whoever asked for an output may look at all of it.
void Launch::check_outputs() {
  for (const Array& array : arena_.arrays()) {
    if (array.role != Role::kOutput || array.bytes == 0) continue;
    const std::size_t offset = array.shadow.first_unwritten(array.bytes);
    if (offset >= array.bytes) continue;
    faults_.add({.kind = FaultKind::kNeverWritten,
                 .array = &array,
                 .offset = static_cast<std::ptrdiff_t>(offset)});
  }
}

// The thread that runs is never resumed; its stack is used again as if it were empty.
void Launch::stop(Fault fault) {
  faults_.add(fault);
  stopped_ = true;
  fibers_.give_way();
  __builtin_unreachable();
}

}  // namespace xlstm::metal_emulator
