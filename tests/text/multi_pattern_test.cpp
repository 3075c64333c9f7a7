#include "xlstm/text/multi_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/text/random_text.h"

namespace xlstm::text {
namespace {

using Found = MultiPattern::Found;

std::string random_letters(RandomText& random, std::uint32_t most) {
  std::string text(1 + random.below(most), 'a');
  for (char& c : text) c = static_cast<char>('a' + random.below(3));
  return text;
}

// The longest at the first place where any matches; of equal ones the first added.
std::optional<Found> found_by_definition(const std::vector<std::string>& patterns,
                                         const std::string& text, std::size_t from) {
  for (std::size_t at = from; at < text.size(); ++at) {
    std::optional<Found> best;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      const std::size_t size = patterns[i].size();
      if (text.compare(at, size, patterns[i]) != 0) continue;
      if (!best || at + size > best->end) best = Found{at, at + size, static_cast<std::int32_t>(i)};
    }
    if (best) return best;
  }
  return std::nullopt;
}

TEST(MultiPattern, FollowsTheDefinition) {
  RandomText random(2);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> patterns(1 + random.below(8));
    MultiPattern search;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      patterns[i] = random_letters(random, 7);
      search.add(patterns[i], static_cast<std::int32_t>(i));
    }
    search.build();
    const std::string text = random_letters(random, 40);
    for (std::size_t from = 0; from <= text.size(); ++from) {
      const std::optional<Found> expected = found_by_definition(patterns, text, from);
      const std::optional<Found> got = search.find(text, from);
      ASSERT_EQ(got.has_value(), expected.has_value()) << text;
      if (!got) continue;
      ASSERT_EQ(got->begin, expected->begin) << text;
      ASSERT_EQ(got->end, expected->end) << text;
      ASSERT_EQ(got->value, expected->value) << text;
    }
  }
}

TEST(MultiPattern, EmptyTextsAreNeverFound) {
  MultiPattern search;
  EXPECT_TRUE(search.empty());
  search.add("", 1);
  search.build();
  EXPECT_TRUE(search.empty());
  EXPECT_FALSE(search.find("abc", 0));
}

}  // namespace
}  // namespace xlstm::text
