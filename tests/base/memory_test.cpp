#include "xlstm/base/memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "xlstm/base/cores.h"

namespace xlstm {
namespace {

TEST(Memory, NumbersAreInOrder) {
  const std::uint64_t resident = resident_bytes();  // now: looking takes memory too
  EXPECT_GT(resident, 100'000U);
  EXPECT_LE(resident, peak_resident_bytes());
  EXPECT_LE(peak_resident_bytes(), physical_memory_bytes());
  EXPECT_GT(available_memory_bytes(), 0U);
  EXPECT_LE(available_memory_bytes(), physical_memory_bytes());
}

TEST(Memory, ResidentGrowsByWhatIsTouchedAndThePeakStays) {
  constexpr std::size_t kBytes = 64 << 20;
  // The kernel counts pages a thread at a time, in batches of some dozens: leave 1 MiB for that.
  constexpr std::size_t kSlack = 1 << 20;
  const std::uint64_t before = resident_bytes();
  {
    const std::unique_ptr<char[]> block(new char[kBytes]);
    std::memset(block.get(), 1, kBytes);
    EXPECT_GE(resident_bytes() + kSlack, before + kBytes) << block[kBytes / 2];
  }
  EXPECT_GE(peak_resident_bytes() + kSlack, before + kBytes);
}

TEST(Memory, HumanBytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1 KiB");
  EXPECT_EQ(human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(human_bytes(37ULL << 20), "37 MiB");
  EXPECT_EQ(human_bytes((1ULL << 20) - 1), "1.0 MiB");
  EXPECT_EQ(human_bytes(134479872), "128 MiB");
  EXPECT_EQ(human_bytes(3ULL << 29), "1.5 GiB");
  EXPECT_EQ(human_bytes(~0ULL), "16 EiB");
}

TEST(Cores, ThereIsOne) {
  EXPECT_GE(usable_cores(), 1U);
}

}  // namespace
}  // namespace xlstm
