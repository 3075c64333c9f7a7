#include "xlstm/text/splitting.h"

#include <string>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/text/component.h"

namespace xlstm::text {

SplitBehavior split_behavior(const Json& component, std::string_view where) {
  const std::string name = required_string(component, "behavior", where);
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  fail_wanted(ErrorKind::kFormat, where,
              "a behavior Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous",
              quoted(name));
}

bool Splitter::joins(bool is_match) const {
  if (!held_) return false;
  switch (behavior_) {
    case SplitBehavior::kContiguous:
      return is_match == held_is_match_;
    case SplitBehavior::kMergedWithPrevious:
      return is_match && !held_is_match_;
    case SplitBehavior::kMergedWithNext:
      return !is_match && held_is_match_;
    case SplitBehavior::kRemoved:
    case SplitBehavior::kIsolated:
      break;
  }
  return false;
}

void Splitter::add(std::size_t begin, std::size_t end, bool is_match) {
  if (behavior_ == SplitBehavior::kIsolated) return emit({begin, end});
  if (behavior_ == SplitBehavior::kRemoved) {
    if (!is_match) emit({begin, end});
    return;
  }
  if (joins(is_match)) {
    held_->end = end;
  } else {
    if (held_) emit(*held_);
    held_ = Range{begin, end};
  }
  held_is_match_ = is_match;
}

void Splitter::finish() {
  if (held_) emit(*held_);
}

void Splitter::emit(const Range& range) {
  if (range.begin == range.end) return;
  next_.take({whole_.text.substr(range.begin, range.end - range.begin),
              whole_.at_start && range.begin == 0});
}

}  // namespace xlstm::text
