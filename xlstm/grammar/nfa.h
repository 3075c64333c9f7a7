// A grammar as a nondeterministic automaton over bytes (Thompson's construction).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "xlstm/grammar/expression.h"

namespace xlstm::grammar {

// At most so many states: `a{1000}` has a thousand, `.{1000}` nine
// thousand.
inline constexpr std::size_t kMostNfaStates = 50'000;

using NfaIndex = std::uint32_t;

struct NfaEdge {
  static constexpr std::int32_t kNoRule = -1;

  std::uint8_t first, last;  // the bytes that take it
  NfaIndex target;
  std::int32_t rule = kNoRule;  // what the byte opens: `target` is then where to go on behind it
};

struct NfaState {
  std::vector<NfaEdge> edges = {};
  std::vector<NfaIndex> free = {};  // states reached without a byte
  bool is_end = false;              // of the root
  bool is_rule_end = false;
};

struct Nfa {
  std::vector<NfaState> states;
  NfaIndex start = 0;                 // of the root
  std::vector<NfaIndex> rule_starts;  // behind the opening byte of each rule
};

// Throws Error(kUsage) beyond kMostNfaStates.
Nfa make_nfa(const Grammar& grammar);

}  // namespace xlstm::grammar
