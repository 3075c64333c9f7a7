#include "xlstm/base/quantization.h"

#include <gtest/gtest.h>

namespace xlstm {
namespace {

TEST(Quantization, SupportsMlxsFormatsOnly) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) {
      EXPECT_TRUE(is_supported({QuantizationMode::kAffine, bits, group})) << bits << " " << group;
    }
  }
  for (const int bits : {-1, 0, 1, 7, 9, 16}) {
    EXPECT_FALSE(is_supported({QuantizationMode::kAffine, bits, 64})) << bits;
  }
  for (const int group : {-64, 0, 1, 16, 48, 256}) {
    EXPECT_FALSE(is_supported({QuantizationMode::kAffine, 4, group})) << group;
  }
  EXPECT_TRUE(is_supported({QuantizationMode::kMxfp4, 4, 32}));
  EXPECT_FALSE(is_supported({QuantizationMode::kMxfp4, 4, 64}));
  EXPECT_FALSE(is_supported({QuantizationMode::kMxfp4, 8, 32}));
}

TEST(Quantization, ReadsInAMessage) {
  EXPECT_EQ(to_string(Quantization{}), "affine, 4 bits, groups of 64");
  EXPECT_EQ(to_string(Quantization{QuantizationMode::kMxfp4, 4, 32}),
            "mxfp4, 4 bits, groups of 32");
}

TEST(Quantization, PacksRowsIntoWholeWords) {
  EXPECT_EQ(quantized_words({QuantizationMode::kAffine, 3, 32}, 64), 6);
  EXPECT_EQ(quantized_words({QuantizationMode::kAffine, 8, 128}, 4096), 1024);
}

}  // namespace
}  // namespace xlstm
