#include "xlstm/base/scratch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

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

}  // namespace
}  // namespace xlstm
