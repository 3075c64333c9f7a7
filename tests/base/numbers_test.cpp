#include "xlstm/base/numbers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <sstream>

#include "tests/support/grouping_locale.h"
#include "xlstm/base/cores.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/base/shape.h"

namespace xlstm {
namespace {

TEST(Numbers, AreWrittenAsStreamsOfTheClassicLocaleWriteThem) {
  const auto streamed = [](const auto& value) {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    out << value;
    return out.str();
  };
  for (const double value :
       {0.0, -0.0, 1.0, 0.1, 1e-5, 123456.0, 1234567.0, 2.5e300, -7.25e-300,
        std::numeric_limits<double>::infinity(), std::numeric_limits<double>::max()}) {
    EXPECT_EQ(str(value), streamed(value));
    EXPECT_EQ(str(static_cast<float>(value)), streamed(static_cast<float>(value)));
  }
  EXPECT_EQ(str(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(str(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(str(static_cast<short>(-3), ' ', true, ' ', 7U, ' ', 8ULL), "-3 1 7 8");
}

TEST(Numbers, HaveAsManyDigitsAsAskedFor) {
  EXPECT_EQ(decimals(2.5, 2), "2.50");
  EXPECT_EQ(decimals(-0.125, 0), "-0");
  EXPECT_EQ(decimals(std::numeric_limits<double>::max(), 6).size(), 309U + 1 + 6);
  EXPECT_EQ(scientific(1234, 1), "1.2e+03");
  EXPECT_EQ(hexadecimal(0xdeadbeefU), "deadbeef");
}

TEST(Numbers, AreTheSameInAHostThatGroupsDigits) {
  const std::uint64_t physical = physical_memory_bytes();
  const std::size_t cores = usable_cores();
  for (const char mark : {',', '.', ' ', '\''}) {
    const testing::GroupingLocale host(mark);
    ASSERT_NE((std::ostringstream() << 3601).str(), "3601");  // streams do follow the host
    EXPECT_EQ(str("block ", 1000, ", ", 3601U, ", ", 1.5), "block 1000, 3601, 1.5");
    EXPECT_EQ(decimals(1234.5, 1), "1234.5");
    EXPECT_EQ(scientific(1.5, 1), "1.5e+00");
    EXPECT_EQ(human_bytes(1536), "1.5 KiB");
    EXPECT_EQ(to_string(Shape{1000, 2000}), "[1000, 2000]");
    // What the system tells is read right as well.
    EXPECT_EQ(physical_memory_bytes(), physical);
    EXPECT_EQ(usable_cores(), cores);
    EXPECT_GT(resident_bytes(), 0U);
    EXPECT_GT(available_memory_bytes(), 0U);
  }
}

}  // namespace
}  // namespace xlstm
