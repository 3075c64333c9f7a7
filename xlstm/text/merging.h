// The merging of a piece's symbols: always the pair of lowest rank, of equal ones the leftmost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "xlstm/text/merge_table.h"
#include "xlstm/text/progress.h"

namespace xlstm::text {

class Merging {
 public:
  // Pieces up to this many symbols are merged by search_and_merge, longer ones by queue_and_merge.
  static constexpr std::size_t kShort = 32;

  // Merges `symbols` in place until no pair of neighbours merges. At most 2^32 - 2 of them. Where
  // the progress throws they are left half merged.
  void run(const MergeTable& merges, std::vector<TokenId>& symbols, Progress* progress = nullptr);

  // Searches the lowest rank anew for each merge: quadratic, and quickest for short pieces.
  void search_and_merge(const MergeTable& merges, std::vector<TokenId>& symbols);

  // Keeps the positions of each rank in a queue: n log n at worst, linear where one rank's
  // positions come in order, as in a run of one letter.
  void queue_and_merge(const MergeTable& merges, std::vector<TokenId>& symbols,
                       Progress* progress = nullptr);

 private:
  using Position = std::uint32_t;

  // A rank is that of one pair only.
  struct Pair {
    TokenId left, right, merged;
  };

  // Positions of the pair of one rank, given out from left to right.
  struct Queue {
    Pair pair{};
    std::vector<Position> positions;  // before `started` in any order, then rising from `next` on
    std::vector<Position> late;       // a heap of those that came after
    std::size_t next = 0;
    bool is_sorted = true, is_started = false;

    void reset(const Pair& new_pair);
    void add(Position position);
    bool take(Position& position);  // the leftmost; false where there is none
  };

  Queue& queue_of(std::uint32_t rank, const Pair& pair);
  void drop_first_queue();
  void add_pair(const MergeTable& merges, const std::vector<TokenId>& symbols, Position left,
                Position right);
  void merge_at(const MergeTable& merges, std::vector<TokenId>& symbols, Position left, Pair pair);

  std::vector<std::uint32_t> ranks_;    // search_and_merge: of the pair that starts there
  std::vector<Position> left_, right_;  // neighbours; the number of symbols means none
  std::vector<Queue> queues_;
  std::vector<std::uint32_t> free_;     // queues not in use
  std::vector<std::uint32_t> by_rank_;  // rank -> queue + 1, 0 for none
  std::vector<std::uint32_t> waiting_;  // a heap of the ranks that have a queue, lowest first
};

}  // namespace xlstm::text
