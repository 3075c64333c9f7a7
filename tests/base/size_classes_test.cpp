#include "xlstm/base/size_classes.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace xlstm {
namespace {

TEST(SizeClasses, HaveAtMostAQuarterMoreThanIsAskedFor) {
  for (std::size_t bytes = 0; bytes < SIZE_MAX / 8; bytes += bytes / 16 + 1) {
    const std::size_t size_class = size_class_of(bytes);
    ASSERT_LT(size_class, kSizeClasses) << bytes;
    EXPECT_GE(size_of_class(size_class), bytes);
    EXPECT_LE(size_of_class(size_class), std::max(kSmallestBlock, bytes + bytes / 4)) << bytes;
  }
}

TEST(SizeClasses, EndAtTheSizesOfTheirBlocks) {
  const std::size_t largest = size_class_of(SIZE_MAX / 4);
  EXPECT_LT(largest, kSizeClasses);
  for (std::size_t each = size_class_of(0); each < largest; ++each) {
    EXPECT_EQ(size_class_of(size_of_class(each)), each);
    EXPECT_EQ(size_class_of(size_of_class(each) + 1), each + 1);
  }
}

}  // namespace
}  // namespace xlstm
