// Pieces of text and the ways to treat what separates them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "xlstm/base/json_fwd.h"

namespace xlstm::text {

struct Piece {
  std::string_view text;
  bool at_start;  // of the whole text that is encoded
};

class PieceSink {
 public:
  virtual ~PieceSink() = default;
  virtual void take(const Piece& piece) = 0;
};

// What happens to the matches of a splitting pattern. On "a-b--c" and "-":
enum class SplitBehavior {
  kRemoved,             // a b c
  kIsolated,            // a - b - - c
  kMergedWithPrevious,  // a- b- - c
  kMergedWithNext,      // a -b - -c
  kContiguous,          // a - b -- c
};

// From a member "behavior". Throws Error(kFormat).
SplitBehavior split_behavior(const Json& component, std::string_view where);

// Cuts one piece: takes its matches and what lies between, in order and without gaps, and passes on
// the pieces that remain, none of them empty.
class Splitter {
 public:
  Splitter(const Piece& whole, SplitBehavior behavior, PieceSink& next)
      : whole_(whole), behavior_(behavior), next_(next) {}

  void add(std::size_t begin, std::size_t end, bool is_match);
  void finish();  // once, after the last

 private:
  struct Range {
    std::size_t begin, end;
  };
  bool joins(bool is_match) const;  // the part held
  void emit(const Range& range);

  Piece whole_;
  SplitBehavior behavior_;
  PieceSink& next_;
  std::optional<Range> held_;  // may still grow
  bool held_is_match_ = false;
};

}  // namespace xlstm::text
