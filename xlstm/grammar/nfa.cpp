#include "xlstm/grammar/nfa.h"

#include <map>
#include <tuple>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/grammar/utf8_ranges.h"

namespace xlstm::grammar {
namespace {

// Builds from the end: each function takes the state that follows and returns where to start.
class Builder {
 public:
  explicit Builder(const Grammar& grammar) : grammar_(grammar) {}

  Nfa build() {
    nfa_.start = add(grammar_.root, new_state({.is_end = true}));
    for (const Rule& rule : grammar_.rules) {
      nfa_.rule_starts.push_back(add(rule.rest, new_state({.is_rule_end = true})));
    }
    return std::move(nfa_);
  }

 private:
  NfaIndex new_state(NfaState state) {
    if (nfa_.states.size() == kMostNfaStates) {
      fail_wanted(ErrorKind::kUsage, "constraint",
                  str("an automaton of at most ", kMostNfaStates, " states"),
                  "a larger one: repetitions and optional parts multiply");
    }
    nfa_.states.push_back(std::move(state));
    return static_cast<NfaIndex>(nfa_.states.size() - 1);
  }

  NfaIndex add(const Expression& expression, NfaIndex next) {
    switch (expression.kind) {
      case Expression::Kind::kSequence:
        for (auto part = expression.parts.rbegin(); part != expression.parts.rend(); ++part) {
          next = add(*part, next);
        }
        return next;
      case Expression::Kind::kChoice:
        return add_choice(expression, next);
      case Expression::Kind::kRepeat:
        return add_repeat(expression, next);
      case Expression::Kind::kCharacters:
        return add_characters(expression.characters, next);
      case Expression::Kind::kCall:
        return add_call(expression.rule, next);
    }
    fail(ErrorKind::kInternal, "make_nfa", "an unknown kind of expression");
  }

  NfaIndex add_choice(const Expression& expression, NfaIndex next) {
    NfaState fork;
    for (const Expression& part : expression.parts) fork.free.push_back(add(part, next));
    return new_state(std::move(fork));
  }

  NfaIndex add_repeat(const Expression& expression, NfaIndex next) {
    const Expression& part = expression.parts.front();
    std::uint32_t needed = expression.least;
    if (expression.most == kUnbounded) {
      const NfaIndex loop = new_state({});
      const NfaIndex body = add(part, loop);
      nfa_.states[loop].free = {body, next};
      next = needed == 0 ? loop : body;
      if (needed > 0) --needed;
    } else {
      const NfaIndex behind = next;
      for (std::uint32_t i = needed; i < expression.most; ++i) {
        const NfaIndex body = add(part, next);
        if (body == next) break;  // the empty text, as often as one likes
        next = new_state({.free = {body, behind}});
      }
    }
    for (std::uint32_t i = 0; i < needed; ++i) {
      const NfaIndex body = add(part, next);
      if (body == next) break;
      next = body;
    }
    return next;
  }

  // Sequences with the same end share its states.
  NfaIndex add_characters(const CharacterSet& set, NfaIndex next) {
    NfaState start;
    std::map<std::tuple<std::uint8_t, std::uint8_t, NfaIndex>, NfaIndex> shared;
    for (const CharacterRange& range : set) {
      for (const ByteSequence& sequence : utf8_ranges(range)) {
        NfaIndex target = next;
        for (std::size_t i = sequence.size - 1; i > 0; --i) {
          const auto [first, last] = sequence.bytes[i];
          const auto [found, is_new] = shared.try_emplace({first, last, target}, 0);
          if (is_new) found->second = new_state({.edges = {{first, last, target}}});
          target = found->second;
        }
        start.edges.push_back({sequence.bytes[0].first, sequence.bytes[0].last, target});
      }
    }
    return new_state(std::move(start));
  }

  NfaIndex add_call(std::size_t rule, NfaIndex next) {
    const auto byte = static_cast<std::uint8_t>(grammar_.rules.at(rule).opening);
    return new_state({.edges = {{byte, byte, next, static_cast<std::int32_t>(rule)}}});
  }

  const Grammar& grammar_;
  Nfa nfa_;
};

}  // namespace

Nfa make_nfa(const Grammar& grammar) {
  return Builder(grammar).build();
}

}  // namespace xlstm::grammar
