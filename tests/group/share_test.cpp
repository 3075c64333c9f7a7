#include "xlstm/group/share.h"

#include <gtest/gtest.h>

namespace xlstm {
namespace {

TEST(Share, SharesAreTheWholeInOrder) {
  for (const std::int64_t length : {1, 7, 64, 160, 384, 704, 4096, 10944, 50304}) {
    for (int size = 1; size <= 9; ++size) {
      std::int64_t at = 0, least = length, most = 0;
      for (int rank = 0; rank < size; ++rank) {
        const Share share = share_of(length, rank, size);
        EXPECT_EQ(share.begin, at);
        at = share.end;
        least = std::min(least, share.size());
        most = std::max(most, share.size());
      }
      EXPECT_EQ(at, length);
      EXPECT_LE(most - least, 64) << length << " of " << size;
      if (length >= size) {
        EXPECT_GT(least, 0) << length << " of " << size;
      }
    }
  }
}

TEST(Share, AreEqualAndOfWholeLinesWhereTheyCanBe) {
  EXPECT_EQ(share_of(50304, 1, 2), (Share{25152, 50304}));
  EXPECT_EQ(share_of(50304, 3, 4), (Share{37728, 50304}));  // units of 32
  EXPECT_EQ(share_of(10944, 0, 2), (Share{0, 5472}));
  EXPECT_EQ(share_of(160, 0, 3), (Share{0, 64}));  // units of 32: 2, 2 and 1
  EXPECT_EQ(share_of(160, 2, 3), (Share{128, 160}));
}

TEST(Share, AreOfWholeUnits) {
  EXPECT_EQ(share_of(10944, 0, 2, 64), (Share{0, 5504}));
  EXPECT_EQ(share_of(10944, 1, 2, 64), (Share{5504, 10944}));
  for (int rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(share_of(1408, rank, 4, 128).begin % 128, 0);
  }
}

}  // namespace
}  // namespace xlstm
