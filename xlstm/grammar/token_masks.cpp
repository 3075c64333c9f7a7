#include "xlstm/grammar/token_masks.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace xlstm::grammar {
namespace {

using Kind = Automaton::Step::Kind;
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

}  // namespace

TokenMasks::TokenMasks(const Grammar& grammar, std::shared_ptr<const TokenTries> tries,
                       const Limits& limits)
    : tries_(std::move(tries)), limits_(limits), automaton_(grammar, limits.automaton) {}

bool TokenMasks::take(std::uint8_t byte, Place& place) {
  const Automaton::Step step = automaton_.step(place.state, byte);
  switch (step.kind) {
    case Kind::kRefused:
      return false;
    case Kind::kTo:
      break;
    case Kind::kInto:
      if (place.open.size() == limits_.max_depth) return false;
      place.open.push_back(step.back);
      break;
    case Kind::kOut:
      place.state = place.open.back();
      place.open.pop_back();
      return true;
  }
  place.state = step.state;
  return true;
}

bool TokenMasks::advance(Place& place, std::string_view text) {
  const std::lock_guard lock(mutex_);
  Place next = place;
  for (const char byte : text) {
    if (!take(static_cast<std::uint8_t>(byte), next)) return false;
  }
  place = std::move(next);
  return true;
}

std::bitset<256> TokenMasks::next_bytes(const Place& place) {
  const std::lock_guard lock(mutex_);
  std::bitset<256> bytes = automaton_.next_bytes(place.state);
  if (place.open.size() < limits_.max_depth) return bytes;
  for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
    const auto step = automaton_.step(place.state, static_cast<std::uint8_t>(byte));
    if (step.kind == Kind::kInto) bytes.reset(byte);
  }
  return bytes;
}

bool TokenMasks::is_end(const Place& place) {
  const std::lock_guard lock(mutex_);
  return place.open.empty() && automaton_.is_end(place.state);
}

std::size_t TokenMasks::state_count() {
  const std::lock_guard lock(mutex_);
  return automaton_.state_count();
}

// Into a rule, if no more than `most` are then open.
bool TokenMasks::enter(const Automaton::Step& step, std::size_t most, std::int32_t below,
                       Point& to) {
  const std::size_t depth =
      1 + (below == kNone ? 0 : opened_[static_cast<std::size_t>(below)].depth);
  if (depth > most) return false;
  opened_.push_back({below, step.back, depth});
  to = {step.state, static_cast<std::int32_t>(opened_.size() - 1)};
  return true;
}

// The nodes [first, last) of a trie: all of it, or those below a node. They are read in `state`, in
// which `ended` of the rules open at the very beginning have ended and `depth` more may be opened.
void TokenMasks::walk(const TokenTrie& trie, std::uint32_t first, std::uint32_t last,
                      Automaton::State state, std::size_t ended, std::size_t depth, TokenMask& mask,
                      Found& found) {
  if (first == last) return;
  const auto nodes = trie.nodes();
  const std::size_t before = nodes[first].depth - 1U;  // the first node's parent
  points_.resize(trie.max_depth() + 1);
  points_[before] = {state, kNone};
  opened_.clear();
  for (std::uint32_t at = first; at < last;) {
    const TokenTrie::Node& node = nodes[at];
    const Point from = points_[node.depth - 1U];
    const Automaton::Step step = automaton_.step(from.state, node.byte);
    Point to = {step.state, from.open};
    bool fits = step.kind != Kind::kRefused;
    if (step.kind == Kind::kInto) {
      fits = enter(step, depth, from.open, to);
      if (fits) found.rise = std::max(found.rise, opened_.back().depth);
    } else if (step.kind == Kind::kOut && from.open == kNone) {
      found.leaving.push_back({at, ended + 1});
      fits = false;
    } else if (step.kind == Kind::kOut) {
      const Open& open = opened_[static_cast<std::size_t>(from.open)];
      to = {open.behind, open.below};
    }
    if (!fits) {
      at = node.behind;
      continue;
    }
    for (const TokenId id : trie.tokens_at(at)) mask.set(id);
    points_[node.depth] = to;
    ++at;
  }
}

// The tokens that end rules which are open at `place`.
void TokenMasks::finish(const TokenTrie& trie, const Place& place, Found found, TokenMask& mask) {
  for (std::size_t i = 0; i < found.leaving.size(); ++i) {  // it grows meanwhile
    const auto [at, ended] = found.leaving[i];
    for (const TokenId id : trie.tokens_at(at)) mask.set(id);
    const std::size_t still_open = place.open.size() - ended;
    walk(trie, at + 1, trie.nodes()[at].behind, place.open[still_open], ended,
         limits_.max_depth - still_open, mask, found);
  }
}

const TokenMasks::Walk& TokenMasks::walk_of(Automaton::State state, bool is_first_token) {
  const TokenTrie& trie = tries_->at(is_first_token);
  auto& walks = &trie == &tries_->later ? walks_ : first_walks_;
  const auto found = walks.find(state);
  if (found != walks.end()) return found->second;
  Walk made = {TokenMask(V())};
  walk(trie, 0, static_cast<std::uint32_t>(trie.size()), state, 0, kNoLimit, made.mask, made.found);
  const std::size_t bytes =
      made.mask.words().size_bytes() + made.found.leaving.size() * sizeof(Leaving) + sizeof(Walk);
  if (bytes_ + bytes > limits_.max_bytes) {
    walks_.clear();
    first_walks_.clear();
    bytes_ = 0;
  }
  bytes_ += bytes;
  return walks.emplace(state, std::move(made)).first->second;
}

void TokenMasks::allow(const Place& place, bool is_first_token, TokenMask& mask) {
  const std::lock_guard lock(mutex_);
  const TokenTrie& trie = tries_->at(is_first_token);
  const Walk& known = walk_of(place.state, is_first_token);
  if (place.open.size() + known.found.rise <= limits_.max_depth) {
    mask = known.mask;
    return finish(trie, place, known.found, mask);
  }
  // So deep that some tokens open more rules than may be open.
  mask.clear();
  Found found;
  walk(trie, 0, static_cast<std::uint32_t>(trie.size()), place.state, 0,
       limits_.max_depth - place.open.size(), mask, found);
  finish(trie, place, std::move(found), mask);
}

}  // namespace xlstm::grammar
