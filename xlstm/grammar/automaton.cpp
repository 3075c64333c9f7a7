#include "xlstm/grammar/automaton.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm::grammar {

Automaton::Automaton(const Grammar& grammar, const Limits& limits)
    : nfa_(make_nfa(grammar)), limits_(limits), visit_(nfa_.states.size()) {
  find_classes();
  start_ = state_of(closure({nfa_.start}));
}

void Automaton::find_classes() {
  std::bitset<257> begins;
  begins.set(0);
  for (const NfaState& state : nfa_.states) {
    for (const NfaEdge& edge : state.edges) {
      begins.set(edge.first);
      begins.set(std::size_t{edge.last} + 1);
    }
  }
  for (std::size_t byte = 0; byte < class_of_.size(); ++byte) {
    if (begins[byte]) ++classes_;
    class_of_[byte] = static_cast<std::uint16_t>(classes_ - 1);
  }
}

// The states reached without a byte, rising; those that only lead on to others are left out, so
// that ways that come to the same are the same.
std::vector<NfaIndex> Automaton::closure(const std::vector<NfaIndex>& from) {
  if (++visits_ == 0) {
    std::fill(visit_.begin(), visit_.end(), 0);
    visits_ = 1;
  }
  std::vector<NfaIndex> open = from, members;
  while (!open.empty()) {
    const NfaIndex at = open.back();
    open.pop_back();
    if (std::exchange(visit_[at], visits_) == visits_) continue;
    const NfaState& state = nfa_.states[at];
    if (!state.edges.empty() || state.is_end || state.is_rule_end) members.push_back(at);
    open.insert(open.end(), state.free.begin(), state.free.end());
  }
  std::sort(members.begin(), members.end());
  return members;
}

Automaton::State Automaton::state_of(std::vector<NfaIndex> members) {
  const auto found = known_.find(members);
  if (found != known_.end()) return found->second;
  bytes_ += 2 * members.size() * sizeof(NfaIndex) + classes_ * sizeof(std::int32_t);
  if (states_.size() == limits_.max_states || bytes_ > limits_.max_bytes) {
    fail_wanted(ErrorKind::kUsage, "constraint",
                str("a deterministic automaton of at most ", limits_.max_states, " states in ",
                    limits_.max_bytes >> 20, " MiB"),
                "a larger one: too many ways to read the same text are open at once");
  }
  const auto state = static_cast<State>(states_.size());
  const bool is_end = std::any_of(members.begin(), members.end(),
                                  [&](NfaIndex at) { return nfa_.states[at].is_end; });
  known_.emplace(members, state);
  states_.push_back({std::move(members), is_end});
  next_.resize(next_.size() + classes_, kUnknown);
  return state;
}

// An entry of next_.
std::int32_t Automaton::find_next(State state, std::uint8_t byte) {
  std::vector<NfaIndex> targets, behind;
  std::int32_t rule = NfaEdge::kNoRule;
  for (const NfaIndex member : states_[index(state)].members) {
    for (const NfaEdge& edge : nfa_.states[member].edges) {
      if (byte < edge.first || byte > edge.last) continue;
      const bool opens = edge.rule != NfaEdge::kNoRule;
      if (opens && rule != NfaEdge::kNoRule && rule != edge.rule) {
        fail(ErrorKind::kInternal, "grammar", "one byte opens two rules");
      }
      if (opens) rule = edge.rule;
      (opens ? behind : targets).push_back(edge.target);
    }
  }
  if (targets.empty() && behind.empty()) return kRefused;
  if (!targets.empty() && !behind.empty()) {
    fail(ErrorKind::kInternal, "grammar", "a byte may open a rule, or not");
  }
  if (!behind.empty()) {
    const auto start = nfa_.rule_starts[static_cast<std::size_t>(rule)];
    const State into = state_of(closure({start}));
    entries_.push_back({into, state_of(closure(behind))});
    return kFirstEntry - static_cast<std::int32_t>(entries_.size() - 1);
  }
  std::vector<NfaIndex> members = closure(targets);
  const bool is_out = std::any_of(members.begin(), members.end(),
                                  [&](NfaIndex at) { return nfa_.states[at].is_rule_end; });
  if (is_out && members.size() > 1) {
    fail(ErrorKind::kInternal, "grammar", "more may follow where a rule can end");
  }
  return is_out ? kOut : state_of(std::move(members));
}

Automaton::Step Automaton::rare_step(State state, std::uint8_t byte, std::int32_t known) {
  if (known == kUnknown) {
    known = find_next(state, byte);
    next_[index(state) * classes_ + class_of_[byte]] = known;
  }
  if (known >= 0) return {Step::Kind::kTo, known, 0};
  if (known == kRefused) return {Step::Kind::kRefused, 0, 0};
  if (known == kOut) return {Step::Kind::kOut, 0, 0};
  const Entry& entry = entries_[static_cast<std::size_t>(kFirstEntry - known)];
  return {Step::Kind::kInto, entry.state, entry.back};
}

std::bitset<256> Automaton::next_bytes(State state) {
  std::bitset<256> bytes;
  for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
    bytes[byte] = step(state, static_cast<std::uint8_t>(byte)).kind != Step::Kind::kRefused;
  }
  return bytes;
}

}  // namespace xlstm::grammar
