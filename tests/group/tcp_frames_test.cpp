// What a rank takes of what another says.
#include "xlstm/group/tcp_frames.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "xlstm/group/shared_region.h"

namespace xlstm {
namespace {

class Reader : public ::testing::Test {
 protected:
  static std::vector<std::byte> said(const Frame& frame, const std::string& body = "") {
    const FrameHead head = packed(frame);
    std::vector<std::byte> out(head.begin(), head.end());
    for (const char c : body) out.push_back(static_cast<std::byte>(c));
    return out;
  }
  static Frame round(std::uint32_t number, std::uint64_t bytes, std::uint32_t length) {
    return {Frame::kRound, number, bytes, length};
  }
  // What a reader of nothing before says to it.
  bool takes(const Frame& frame) {
    FrameReader fresh(region_, 0, 1);
    return fresh.take(said(frame));
  }
  std::string slot(std::uint32_t number, std::size_t length) {
    return {reinterpret_cast<const char*>(region_.slot(1, number).data()), length};
  }

  SharedRegion region_{3};
  FrameReader reader_{region_, 0, 1};
};

TEST_F(Reader, TakesWhatComesInAnyPieces) {
  std::vector<std::byte> all;
  for (const auto& part :
       {said(round(1, 5, 5), "hello"), said(round(2, 0, 0)), said(round(3, 3, 3), "you"),
        said({Frame::kFailure, static_cast<std::uint32_t>(ErrorKind::kMemory), 2, 4}, "full"),
        said({})}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  for (std::size_t at_a_time = 1; at_a_time <= all.size(); ++at_a_time) {
    SharedRegion region(3);
    region.rank(0).round = 2;
    FrameReader reader(region, 0, 1);
    for (std::size_t at = 0; at < all.size(); at += at_a_time) {
      const auto piece = std::span(all).subspan(at, std::min(at_a_time, all.size() - at));
      ASSERT_TRUE(reader.take(piece));
    }
    EXPECT_EQ(region.rank(1).round, 3U);
    EXPECT_EQ(region.rank(1).bytes[1], 3U);
    EXPECT_EQ(region.rank(1).bytes[0], 0U);
    EXPECT_EQ(std::memcmp(region.slot(1, 3).data(), "youlo", 5), 0);
    EXPECT_EQ(region.header().failed, 3U);
    EXPECT_STREQ(region.header().failure.data(), "full");
    EXPECT_EQ(region.header().failure_kind, static_cast<std::uint32_t>(ErrorKind::kMemory));
    EXPECT_EQ(region.rank(1).left, 1U);
    EXPECT_EQ(region.rank(2).left, 0U);
  }
}

TEST_F(Reader, RefusesWhatNoRankSays) {
  constexpr auto kSlot = static_cast<std::uint32_t>(Region::kSlot);
  EXPECT_TRUE(takes(round(1, 2 * kSlot, kSlot)));
  EXPECT_FALSE(takes(round(1, 2 * kSlot, kSlot + 1)));  // more than a slot
  EXPECT_FALSE(takes(round(1, 4, 5)));                  // more than it brings
  EXPECT_FALSE(takes(round(2, 0, 0)));                  // a meeting is missing
  EXPECT_FALSE(takes(round(0, 0, 0)));
  EXPECT_FALSE(takes({Frame::kFailure, 0, 3, 0}));  // of a rank that is not
  EXPECT_FALSE(takes({Frame::kFailure, 99, 1, 0}));
  EXPECT_FALSE(takes({Frame::kFailure, 0, 1, RegionHeader::kMostMessage}));
  EXPECT_FALSE(takes({Frame::kLeave, 0, 0, 1}));
  EXPECT_FALSE(takes({0, 0, 0, 0}));
  EXPECT_FALSE(takes({0xffffffff, 0xffffffff, ~std::uint64_t{0}, 0xffffffff}));
}

// The slot that it would fill is still read.
TEST_F(Reader, RefusesOneThatIsTwoMeetingsAhead) {
  EXPECT_TRUE(reader_.take(said(round(1, 0, 0))));
  EXPECT_FALSE(reader_.take(said(round(2, 1, 1), "x")));
}

TEST_F(Reader, CountsWrapAround) {
  region_.rank(0).round = region_.rank(1).round = 0xffffffff;
  EXPECT_TRUE(reader_.take(said(round(0, 1, 1), "x")));
  EXPECT_EQ(region_.rank(1).round, 0U);
  EXPECT_EQ(slot(0, 1), "x");
}

}  // namespace
}  // namespace xlstm
