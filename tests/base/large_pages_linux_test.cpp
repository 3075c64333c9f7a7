#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "tests/base/mapping_flags.h"
#include "xlstm/base/large_pages.h"
#include "xlstm/base/scratch.h"

namespace xlstm {
namespace {

constexpr std::size_t kMiB = 1 << 20;

TEST(LargePagesLinux, AreAskedForUnderTheWholeOfTheMemory) {
  if (large_page_bytes() == 0) GTEST_SKIP() << "this system has no large pages";
  constexpr std::size_t kBytes = 8 * kMiB;
  void* const mapped =
      ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(mapped, MAP_FAILED);
  const std::span memory(static_cast<std::byte*>(mapped), kBytes);
  prefer_large_pages(memory.subspan(kMiB + 100, 2 * kMiB));
  EXPECT_FALSE(has_mapping_flag(memory.data(), "hg"));
  EXPECT_TRUE(has_mapping_flag(memory.data() + kMiB, "hg"));
  EXPECT_TRUE(has_mapping_flag(memory.data() + 3 * kMiB + 99, "hg"));
  EXPECT_FALSE(has_mapping_flag(memory.data() + 4 * kMiB, "hg"));
  ::munmap(mapped, kBytes);
}

TEST(LargePagesLinux, OfNothingAndOfWhatIsNotThereAreNoMatter) {
  prefer_large_pages({});
  alignas(4096) static std::byte some[4096];
  some[0] = std::byte{7};
  prefer_large_pages({some, 1});
  EXPECT_EQ(some[0], std::byte{7});
}

TEST(ScratchMemory, LiesInLargePagesIfItFillsOne) {
  const std::size_t large = large_page_bytes();
  if (large == 0) GTEST_SKIP() << "this system has no large pages";
  Scratch scratch;
  std::byte* const memory = scratch.bytes(large + 1, "test");
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % large, 0U);
  std::fill_n(memory, large + 1, std::byte{1});
  EXPECT_TRUE(has_mapping_flag(memory, "hg"));
  EXPECT_EQ(scratch.bytes(3, "test"), memory);
}

}  // namespace
}  // namespace xlstm
