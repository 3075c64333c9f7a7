// Which tokens fit at a place of a grammar: the vocabulary's trie walked along the automaton.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "xlstm/grammar/automaton.h"
#include "xlstm/grammar/token_mask.h"
#include "xlstm/grammar/token_trie.h"

namespace xlstm::grammar {

// A place in a text: the automaton's state, and for each rule that is open the state behind it.
struct Place {
  Automaton::State state = 0;
  std::vector<Automaton::State> open = {};
};

// A grammar and a vocabulary, shared by all that follow them: what one sequence has found out
// others need not. Calls lock, so that sequences may run on threads of their own.
//
// A state's mask is computed once and kept. Tokens that leave the innermost open rule depend on the
// states behind it; for them the node where they leave is kept, and the walk goes on there each
// time: of a JSON string these are the few tokens that begin with '"}' or '"]'.
class TokenMasks {
 public:
  struct Limits {
    std::size_t max_depth = 64;                     // of open rules
    std::size_t max_bytes = std::size_t{64} << 20;  // of masks kept; beyond, all are made anew
    Automaton::Limits automaton = Automaton::Limits();
  };

  // Throws Error(kUsage) for a grammar that is too large.
  TokenMasks(const Grammar& grammar, std::shared_ptr<const TokenTries> tries, const Limits& limits);

  std::int64_t V() const { return tries_->V; }
  Place start() const { return {automaton_.start()}; }

  // What `id` adds to an answer, as its first token or a later one.
  std::string_view text(TokenId id, bool is_first_token) const {
    return tries_->at(is_first_token).text(id);
  }

  // Sets the tokens that fit at `place`, and clears all others. Both, and advance(), throw
  // Error(kUsage) where the automaton grows beyond its limits.
  void allow(const Place& place, bool is_first_token, TokenMask& mask);
  std::bitset<256> next_bytes(const Place& place);
  // False where `text` does not fit; `place` has then not changed.
  bool advance(Place& place, std::string_view text);
  bool is_end(const Place& place);

  std::size_t state_count();  // of the automaton, so far

 private:
  // A trie's node whose byte ends the rule that the walk began in.
  struct Leaving {
    std::uint32_t node;
    std::size_t rules;  // how many rules have ended since the walk's beginning
  };
  struct Found {
    std::vector<Leaving> leaving = {};
    std::size_t rise = 0;  // the most rules open at once that were not at the beginning
  };
  struct Walk {
    TokenMask mask;
    Found found = {};
  };
  struct Open {
    std::int32_t below;  // the one that it is in, or kNone
    Automaton::State behind;
    std::size_t depth;
  };
  struct Point {
    Automaton::State state;
    std::int32_t open;
  };
  static constexpr std::int32_t kNone = -1;

  bool take(std::uint8_t byte, Place& place);
  bool enter(const Automaton::Step& step, std::size_t most, std::int32_t below, Point& to);
  void walk(const TokenTrie& trie, std::uint32_t first, std::uint32_t last, Automaton::State state,
            std::size_t ended, std::size_t depth, TokenMask& mask, Found& found);
  void finish(const TokenTrie& trie, const Place& place, Found found, TokenMask& mask);
  const Walk& walk_of(Automaton::State state, bool is_first_token);

  std::shared_ptr<const TokenTries> tries_;
  Limits limits_;
  std::mutex mutex_;
  Automaton automaton_;
  std::unordered_map<Automaton::State, Walk> walks_, first_walks_;
  std::size_t bytes_ = 0;      // of walks_
  std::vector<Open> opened_;   // during a walk
  std::vector<Point> points_;  // during a walk: [depth in the trie + 1]
};

}  // namespace xlstm::grammar
