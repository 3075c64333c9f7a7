#include "xlstm/text/merging.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "tests/text/random_text.h"

namespace xlstm::text {
namespace {

using Symbols = std::vector<TokenId>;

// Tokens are numbers; a pair merges into the next free number.
struct Merges {
  MergeTable table;
  TokenId next;

  explicit Merges(TokenId letters, std::size_t count) : next(letters) { table.reserve(count); }
  void add(TokenId left, TokenId right, std::uint32_t rank) {
    table.set(left, right, {rank, next++});
  }
};

// The definition, as plainly as it goes.
Symbols merged_by_definition(const MergeTable& table, Symbols symbols) {
  while (true) {
    const Merge* best = nullptr;
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merge* merge = table.find(symbols[i], symbols[i + 1]);
      if (merge != nullptr && (best == nullptr || merge->rank < best->rank)) {
        best = merge;
        place = i;
      }
    }
    if (best == nullptr) return symbols;
    symbols[place] = best->token;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(Merging, BothWaysFollowTheDefinition) {
  RandomText random(1);
  Merging merging;
  for (int round = 0; round < 300; ++round) {
    const TokenId letters = static_cast<TokenId>(1 + random.below(4));
    const std::size_t count = 1 + random.below(40);
    Merges merges(letters, count);
    // Ranks in random order: a merge may come before those that make its parts.
    std::vector<std::uint32_t> ranks(count);
    std::iota(ranks.begin(), ranks.end(), 0U);
    for (std::size_t i = count; i > 1; --i) {
      std::swap(ranks[i - 1], ranks[random.below(static_cast<std::uint32_t>(i))]);
    }
    for (const std::uint32_t rank : ranks) {
      const auto known = static_cast<std::uint32_t>(merges.next);
      merges.add(static_cast<TokenId>(random.below(known)),
                 static_cast<TokenId>(random.below(known)), rank);
    }
    Symbols symbols(random.below(120));
    for (TokenId& symbol : symbols) {
      symbol = static_cast<TokenId>(random.below(static_cast<std::uint32_t>(letters)));
    }
    const Symbols expected = merged_by_definition(merges.table, symbols);
    Symbols searched = symbols, queued = symbols;
    merging.search_and_merge(merges.table, searched);
    merging.queue_and_merge(merges.table, queued);
    ASSERT_EQ(searched, expected);
    ASSERT_EQ(queued, expected);
    merging.run(merges.table, symbols);
    ASSERT_EQ(symbols, expected);
  }
}

// 2^20 letters in pairs, pairs of pairs, ... A quadratic merge would take hours.
TEST(Merging, LongRunOfOneLetter) {
  constexpr std::size_t kLength = (1 << 20) + 5;
  Merges merges(1, 3);
  merges.add(0, 0, 0);  // 1: two
  merges.add(1, 1, 1);  // 2: four
  merges.add(2, 2, 2);  // 3: eight
  Symbols symbols(kLength, 0);
  Merging().run(merges.table, symbols);
  Symbols expected(kLength / 8, 3);
  expected.push_back(2);
  expected.push_back(0);
  EXPECT_EQ(symbols, expected);
}

TEST(Merging, NothingToMerge) {
  Merging merging;
  const MergeTable none;
  for (const std::size_t size : {0, 1, 2, 100}) {
    Symbols symbols(size, 7);
    merging.run(none, symbols);
    EXPECT_EQ(symbols, Symbols(size, 7));
  }
}

TEST(MergeTable, LastOfEqualPairsCounts) {
  MergeTable table;
  table.reserve(3);
  table.set(1, 2, {0, 10});
  table.set(2, 1, {1, 11});
  table.set(1, 2, {2, 12});
  ASSERT_NE(table.find(1, 2), nullptr);
  EXPECT_EQ(table.find(1, 2)->token, 12);
  EXPECT_EQ(table.find(2, 1)->token, 11);
  EXPECT_EQ(table.find(1, 1), nullptr);
  EXPECT_EQ(table.ranks(), 3U);
}

}  // namespace
}  // namespace xlstm::text
