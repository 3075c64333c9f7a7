#include "xlstm/series/cells.h"

#include <gtest/gtest.h>

#include <cmath>

namespace xlstm {
namespace {

TEST(Cells, Numbers) {
  EXPECT_EQ(cell_value("12"), 12.0F);
  EXPECT_EQ(cell_value(" -1.5e3\t"), -1500.0F);
  EXPECT_EQ(cell_value("+.5"), 0.5F);
}

TEST(Cells, MissingOnes) {
  for (const char* text : {"", "  ", "NA", "n/a", "NaN", "nan", "NULL", "None"}) {
    const auto value = cell_value(text);
    ASSERT_TRUE(value.has_value()) << text;
    EXPECT_TRUE(std::isnan(*value)) << text;
  }
}

TEST(Cells, WhatIsNoNumber) {
  for (const char* text : {"12x", "1,5", "inf", "-inf", "0x10", "1e39", "--1", "+-1", "1 2", "-"}) {
    EXPECT_FALSE(cell_value(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace xlstm
