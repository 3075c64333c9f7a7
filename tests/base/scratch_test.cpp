#include "xlstm/base/scratch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <thread>

#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

TEST(Scratch, GrowsToTheLargestSizeAndStays) {
  Scratch scratch;
  for (const std::size_t count : {1U, 1000U, 5'000'000U}) {  // below and above a large page
    float* const memory = scratch.floats(count, "test");
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 128, 0U);
    memory[0] = 1;
    memory[count - 1] = 2;
    EXPECT_EQ(scratch.floats(count / 2, "test"), memory);
    EXPECT_EQ(static_cast<void*>(scratch.bytes(4 * count, "test")), memory);
    EXPECT_EQ(memory[count - 1], 2);
  }
}

TEST(Scratch, SaysWhatItHadNoMemoryForAndGoesOn) {
  Scratch scratch;
  scratch.bytes(10, "test");
  expect_error(ErrorKind::kMemory, {"somewhere", "bytes of memory"},
               [&] { scratch.bytes(std::numeric_limits<std::size_t>::max() / 4, "somewhere"); });
  EXPECT_NE(scratch.bytes(10, "test"), nullptr);
}

TEST(ScratchPool, LeasesLieApartAndComeBack) {
  ScratchPool pool;
  std::byte* large = nullptr;
  std::byte* small = nullptr;
  {
    const ScratchLease one = pool.lease(5000, "test"), two = pool.lease(100, "test");
    large = one.bytes(), small = two.bytes();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large) % 128, 0U);
    EXPECT_TRUE(small + 100 <= large || large + 5000 <= small);
  }
  // Of what the thread had before, the smallest that is large enough.
  EXPECT_EQ(pool.lease(60, "test").bytes(), small);
  EXPECT_EQ(pool.lease(101, "test").bytes(), large);
  const ScratchLease one = pool.lease(1, "test"), two = pool.lease(1, "test");
  EXPECT_EQ(one.bytes(), small);
  EXPECT_EQ(two.bytes(), large);
}

TEST(ScratchPool, AThreadPrefersWhatItHadBefore) {
  ScratchPool pool;
  std::byte* others = nullptr;
  const ScratchLease held = pool.lease(10, "test");
  std::thread([&] { others = pool.lease(100, "test").bytes(); }).join();
  std::byte* own = nullptr;
  {
    const ScratchLease taken = pool.lease(50, "test");  // nothing else is there
    EXPECT_EQ(taken.bytes(), others);
    const ScratchLease made = pool.lease(200, "test");
    own = made.bytes();
  }
  EXPECT_EQ(pool.lease(10, "test").bytes(), others);  // its own now, and the smaller
  std::thread([&] { pool.lease(20, "test"); }).join();
  EXPECT_EQ(pool.lease(10, "test").bytes(), own);
}

TEST(ScratchPool, SaysWhatItHadNoMemoryForAndGoesOn) {
  ScratchPool pool;
  expect_error(ErrorKind::kMemory, {"somewhere", "bytes of memory"},
               [&] { pool.lease(std::numeric_limits<std::size_t>::max() / 4, "somewhere"); });
  EXPECT_NE(pool.lease(10, "test").bytes(), nullptr);
}

}  // namespace
}  // namespace xlstm
