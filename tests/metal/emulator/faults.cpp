#include "tests/metal/emulator/faults.h"

#include "xlstm/base/error.h"

namespace xlstm::metal_emulator {

void Faults::add(const Fault& fault) {
  constexpr std::size_t kTold = 4;
  const bool has_site = fault.site.op != nullptr;
  const std::uint64_t place = has_site ? static_cast<std::uint64_t>(fault.site.line) : fault.now.pc;
  if (!seen_.emplace(fault.kind, place).second) return;
  if (faults_.size() < kTold) {
    faults_.push_back(fault);
  } else {
    ++more_;
  }
}

void Faults::throw_any() const {
  if (faults_.empty()) return;
  std::string text;
  for (const Fault& fault : faults_) text += (text.empty() ? "" : "\n") + text_of(fault);
  if (more_ > 0) text += str("\nand ", more_, " more");
  fail(ErrorKind::kInternal, kernel_.label(), text);
}

std::string Faults::thread_name(const Moment& moment) const {
  const Size3 at = geometry_.group_position(moment.threadgroup - 1);
  return str("thread ", moment.thread, " (lane ", moment.thread % kSimdWidth, " of SIMD group ",
             moment.thread / kSimdWidth, ") of threadgroup (", at[0], ", ", at[1], ", ", at[2],
             ")");
}

std::string Faults::element_name(const Fault& fault) const {
  return str("byte ", fault.offset, " of the ", fault.array->bytes, " of ",
             quoted(fault.array->name));
}

std::string Faults::place_of(const Fault& fault) const {
  if (fault.kind == FaultKind::kNeverWritten) return "after the last thread";
  if (fault.site.op != nullptr) return kernel_.quote(fault.site.file, fault.site.line);
  return kernel_.locate(fault.now.pc);
}

std::string Faults::what_of(const Fault& fault) const {
  const std::string verb = str(" ", fault.verb, " ");
  switch (fault.kind) {
    case FaultKind::kRace:
      return str("race: ", thread_name(fault.now), verb, element_name(fault), ", which ",
                 thread_name(fault.other), " ", fault.other_verb, " ",
                 "without a barrier between them, at ", kernel_.locate(fault.other.pc));
    case FaultKind::kUninitialised:
      return str("uninitialised: ", thread_name(fault.now), " reads ", element_name(fault),
                 ", which nobody wrote");
    case FaultKind::kNeverWritten:
      return str("uninitialised output: ", element_name(fault), " was never written");
    case FaultKind::kOutOfBounds:
      return str("out of bounds: ", thread_name(fault.now), verb, element_name(fault));
    case FaultKind::kInputWritten:
      return str("write to an input: ", thread_name(fault.now), " writes ", element_name(fault));
    case FaultKind::kForeignStack:
      return str(thread_name(fault.now), verb, "memory that is another thread's own");
    case FaultKind::kStackOverflow:
      return str(thread_name(fault.now), " needs more than 64 KiB of stack");
    case FaultKind::kTooLarge:
      return str("threadgroup memory: wanted at most ", kMaxThreadgroupBytes, " bytes, got ",
                 fault.bytes, " with ", quoted(fault.site.op));
    case FaultKind::kDiverged:
      return str("divergence: ", thread_name(fault.now), " is at ", fault.site.op, " while ",
                 thread_name(fault.other), " is at ", fault.other_site.op, ", ",
                 kernel_.quote(fault.other_site.file, fault.other_site.line));
    case FaultKind::kReturned:
      return str("divergence: ", thread_name(fault.now), " is at ", fault.site.op, ", which ",
                 thread_name(fault.other), " never reaches: it has returned");
    case FaultKind::kRefused:
      return str(fault.site.op, " of ", thread_name(fault.now), ": ", fault.what);
  }
  return {};
}

std::string Faults::text_of(const Fault& fault) const {
  return str(place_of(fault), ": ", what_of(fault));
}

}  // namespace xlstm::metal_emulator
