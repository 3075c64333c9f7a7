#include "xlstm/text/merging.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace xlstm::text {
namespace {

constexpr std::uint32_t kNoMerge = std::numeric_limits<std::uint32_t>::max();
constexpr TokenId kGone = -1;

std::uint32_t rank_of(const MergeTable& merges, TokenId left, TokenId right) {
  const Merge* merge = merges.find(left, right);
  return merge == nullptr ? kNoMerge : merge->rank;
}

}  // namespace

void Merging::run(const MergeTable& merges, std::vector<TokenId>& symbols, Progress* progress) {
  if (symbols.size() <= kShort) {
    search_and_merge(merges, symbols);
  } else {
    queue_and_merge(merges, symbols, progress);
  }
}

void Merging::search_and_merge(const MergeTable& merges, std::vector<TokenId>& symbols) {
  if (symbols.size() < 2) return;
  ranks_.resize(symbols.size() - 1);
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    ranks_[i] = rank_of(merges, symbols[i], symbols[i + 1]);
  }
  while (!ranks_.empty()) {
    const auto lowest = std::min_element(ranks_.begin(), ranks_.end());
    if (*lowest == kNoMerge) return;
    const auto at = lowest - ranks_.begin();
    const auto i = static_cast<std::size_t>(at);
    symbols[i] = merges.find(symbols[i], symbols[i + 1])->token;
    symbols.erase(symbols.begin() + at + 1);
    ranks_.erase(lowest);
    if (i > 0) ranks_[i - 1] = rank_of(merges, symbols[i - 1], symbols[i]);
    if (i < ranks_.size()) ranks_[i] = rank_of(merges, symbols[i], symbols[i + 1]);
  }
}

void Merging::Queue::reset(const Pair& new_pair) {
  pair = new_pair;
  positions.clear();
  late.clear();
  next = 0;
  is_sorted = true;
  is_started = false;
}

void Merging::Queue::add(Position position) {
  if (is_started) {
    late.push_back(position);
    std::push_heap(late.begin(), late.end(), std::greater<>());
    return;
  }
  if (!positions.empty() && position < positions.back()) is_sorted = false;
  positions.push_back(position);
}

bool Merging::Queue::take(Position& position) {
  if (!is_started) {
    if (!is_sorted) std::sort(positions.begin(), positions.end());
    is_started = true;
  }
  const bool has_next = next < positions.size();
  if (late.empty()) {
    if (has_next) position = positions[next++];
    return has_next;
  }
  if (has_next && positions[next] < late.front()) {
    position = positions[next++];
    return true;
  }
  position = late.front();
  std::pop_heap(late.begin(), late.end(), std::greater<>());
  late.pop_back();
  return true;
}

Merging::Queue& Merging::queue_of(std::uint32_t rank, const Pair& pair) {
  std::uint32_t& entry = by_rank_[rank];
  if (entry == 0) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(queues_.size()));
      queues_.emplace_back();
    }
    entry = free_.back() + 1;
    free_.pop_back();
    queues_[entry - 1].reset(pair);
    waiting_.push_back(rank);
    std::push_heap(waiting_.begin(), waiting_.end(), std::greater<>());
  }
  return queues_[entry - 1];
}

void Merging::drop_first_queue() {
  const std::uint32_t rank = waiting_.front();
  free_.push_back(by_rank_[rank] - 1);
  by_rank_[rank] = 0;
  std::pop_heap(waiting_.begin(), waiting_.end(), std::greater<>());
  waiting_.pop_back();
}

void Merging::add_pair(const MergeTable& merges, const std::vector<TokenId>& symbols, Position left,
                       Position right) {
  const Merge* merge = merges.find(symbols[left], symbols[right]);
  if (merge == nullptr) return;
  queue_of(merge->rank, {symbols[left], symbols[right], merge->token}).add(left);
}

// Merges the pair at `left` if it still stands there: it may have merged otherwise since it was
// queued.
void Merging::merge_at(const MergeTable& merges, std::vector<TokenId>& symbols, Position left,
                       Pair pair) {
  const auto none = static_cast<Position>(symbols.size());
  const Position right = right_[left];
  if (symbols[left] != pair.left || right == none || symbols[right] != pair.right) return;

  symbols[left] = pair.merged;
  symbols[right] = kGone;
  const Position after = right_[right];
  right_[left] = after;
  if (after != none) left_[after] = left;

  if (left_[left] != none) add_pair(merges, symbols, left_[left], left);
  if (after != none) add_pair(merges, symbols, left, after);
}

void Merging::queue_and_merge(const MergeTable& merges, std::vector<TokenId>& symbols,
                              Progress* progress) {
  Progress unreported;
  Progress& reported = progress != nullptr ? *progress : unreported;
  const auto size = static_cast<Position>(symbols.size());
  by_rank_.resize(merges.ranks(), 0);
  left_.resize(size);
  right_.resize(size);
  for (Position i = 0; i < size; ++i) {
    left_[i] = i == 0 ? size : i - 1;
    right_[i] = i + 1;
  }
  for (Position i = 0; i + 1 < size; ++i) {
    add_pair(merges, symbols, i, i + 1);
    reported.work(1);
  }

  while (!waiting_.empty()) {
    Queue& first = queues_[by_rank_[waiting_.front()] - 1];
    Position position = 0;
    if (first.take(position)) {
      merge_at(merges, symbols, position, first.pair);  // may move the queues
      reported.work(1);
    } else {
      drop_first_queue();
    }
  }
  symbols.erase(std::remove(symbols.begin(), symbols.end(), kGone), symbols.end());
}

}  // namespace xlstm::text
