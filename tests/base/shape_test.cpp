#include "xlstm/base/shape.h"

#include <gtest/gtest.h>

#include <limits>

namespace xlstm {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

TEST(Shape, CountsElements) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({5}), 5);
  EXPECT_EQ(element_count({2, 3, 4}), 24);
  EXPECT_EQ(element_count({2, 0, 4}), 0);
  EXPECT_EQ(element_count({kMost}), kMost);
  EXPECT_EQ(element_count({1LL << 31, 1LL << 31}), 1LL << 62);
}

TEST(Shape, RefusesWhatCannotBe) {
  EXPECT_EQ(element_count({-1}), std::nullopt);
  EXPECT_EQ(element_count({0, -1}), std::nullopt);
  EXPECT_EQ(element_count({kMost, 2}), std::nullopt);
  EXPECT_EQ(element_count({1LL << 32, 1LL << 31}), std::nullopt);
  EXPECT_EQ(element_count({1LL << 32, 1LL << 32, 1}), std::nullopt);  // would wrap to 0
}

// A reader may multiply in another order and must not be led astray by the zero.
TEST(Shape, AProductThatIsTooLargeIsSoBesideAZeroToo) {
  EXPECT_EQ(element_count({kMost, kMost, 0}), std::nullopt);
}

TEST(Shape, Shows) {
  EXPECT_EQ(to_string({}), "[]");
  EXPECT_EQ(to_string({2, -3}), "[2, -3]");
}

}  // namespace
}  // namespace xlstm
