// The deterministic automaton of a grammar, whose states are made when they are first reached.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "xlstm/grammar/expression.h"
#include "xlstm/grammar/nfa.h"

namespace xlstm::grammar {

// RE2 and PCRE2 match whole texts: neither lets its caller stop between two bytes, keep the state
// and ask which bytes may follow. So this automaton is our own.
//
// A byte leads to another state, into a rule (one level deeper) or out of it (back to the state
// that the caller's level goes on with). Every state can be reached and can reach the end:
// expressions match something, so a state of the nondeterministic automaton always leads on, and a
// set without any is never entered.
class Automaton {
 public:
  struct Limits {
    std::size_t max_states = 20'000;
    std::size_t max_bytes = std::size_t{64} << 20;  // of all states
  };

  using State = std::int32_t;

  struct Step {
    enum class Kind { kRefused, kTo, kInto, kOut };
    Kind kind;
    State state;  // kTo, kInto: the next one
    State back;   // kInto: the one to go on with behind the rule
  };

  // Throws Error: kUsage for an expression that is too large.
  explicit Automaton(const Grammar& grammar) : Automaton(grammar, Limits()) {}
  Automaton(const Grammar& grammar, const Limits& limits);

  State start() const { return start_; }
  bool is_end(State state) const { return states_[index(state)].is_end; }

  // Throws Error(kUsage) where that would make more states than the limits allow.
  Step step(State state, std::uint8_t byte) {
    const std::int32_t known = next_[index(state) * classes_ + class_of_[byte]];
    if (known >= 0) return {Step::Kind::kTo, known, 0};
    return rare_step(state, byte, known);
  }

  // The bytes that are not refused.
  std::bitset<256> next_bytes(State state);

  std::size_t state_count() const { return states_.size(); }

 private:
  struct Info {
    std::vector<NfaIndex> members;
    bool is_end;
  };
  struct Entry {
    State state, back;
  };
  // Entries of next_ below 0; from kFirstEntry downwards, those of entries_.
  static constexpr std::int32_t kRefused = -1, kOut = -2, kUnknown = -3, kFirstEntry = -4;

  static std::size_t index(State state) { return static_cast<std::size_t>(state); }
  void find_classes();
  std::vector<NfaIndex> closure(const std::vector<NfaIndex>& from);
  State state_of(std::vector<NfaIndex> members);
  std::int32_t find_next(State state, std::uint8_t byte);
  Step rare_step(State state, std::uint8_t byte, std::int32_t known);

  Nfa nfa_;
  Limits limits_;
  std::array<std::uint16_t, 256> class_of_ = {};  // bytes that no edge tells apart
  std::size_t classes_ = 0;
  std::vector<Info> states_;
  std::vector<std::int32_t> next_;  // [states, classes_]
  std::vector<Entry> entries_;
  std::map<std::vector<NfaIndex>, State> known_;
  std::vector<std::uint32_t> visit_;  // [NFA's states]: the last closure that met it
  std::uint32_t visits_ = 0;
  std::size_t bytes_ = 0;
  State start_ = 0;
};

}  // namespace xlstm::grammar
