// Numbers that a conversion cannot write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/convert/converting.h"
#include "tests/support/expect_error.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;

TEST_F(Convert, RefusesNumbersThatItCannotWrite) {
  const auto refusal = [&](const Changed& change, const ConvertOptions& options) {
    const fs::path from = changed(change);
    return message_of(ErrorKind::kModel, [&] { convert(from, out_, options); });
  };
  constexpr std::size_t kAt = 5 * 256 + 7;
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  Changed head = {"lm_head.weight", DType::kBF16, kAt, nan};
  EXPECT_THAT(refusal(head, quantising()),
              HasSubstr("[lm_head.weight] wanted finite weights, got nan in row 5, column 7"));
  EXPECT_THAT(refusal(head, typed(DType::kF16)), HasSubstr("[lm_head.weight] wanted finite"));
  head.value = 1e6F;
  EXPECT_THAT(refusal(head, typed(DType::kF16)), HasSubstr("that F16 can hold, got "));
  head = {"lm_head.weight", DType::kF32, kAt, 65520};  // the first that is rounded up
  EXPECT_THAT(refusal(head, typed(DType::kF16)), HasSubstr("got 65520 at element 1287"));
  head.value = 3.4e38F;
  EXPECT_THAT(refusal(head, typed(DType::kBF16)), HasSubstr("that BF16 can hold, got 3.4e+38"));

  // What is only copied: a matrix of the type wanted, gates and norms.
  for (const Changed& change : {Changed{"lm_head.weight", DType::kBF16, kAt, nan},
                                Changed{"lm_head.weight", DType::kBF16, kAt, -infinity},
                                Changed{"backbone.out_norm.weight", DType::kBF16, 3, nan},
                                Changed{"backbone.out_norm.weight", DType::kF32, 3, infinity}}) {
    EXPECT_THAT(refusal(change, typed(DType::kBF16)),
                HasSubstr(str("[", change.name, "] wanted finite numbers")));
  }
  EXPECT_THAT(refusal({"backbone.out_norm.weight", DType::kF16, 3, nan}, quantising()),
              HasSubstr("[backbone.out_norm.weight] wanted finite numbers that F16 can hold"));
  EXPECT_EQ(names_in(scratch_.path()), (std::set<std::string>{"changed"}));
}

// Scales and biases in float16 of weights that are none.
TEST_F(Convert, RefusesScalesThatTheirTypeCannotHold) {
  ConvertOptions options = quantising();
  options.dtype = DType::kF16;
  const fs::path from = changed({"lm_head.weight", DType::kF32, 1287, -1e7F});
  for (const bool search : {false, true}) {
    options.recipe->search = search;
    EXPECT_THAT(message_of(ErrorKind::kModel, [&] { convert(from, out_, options); }),
                HasSubstr("[lm_head.weight] wanted weights whose scales and biases F16 can hold"));
  }
  options.dtype = DType::kBF16;
  convert(from, out_, options);
  EXPECT_EQ(names_in(scratch_.path()), (std::set<std::string>{"changed", "out"}));
}

TEST_F(Convert, WritesTheLargestNumbersThereAre) {
  convert(changed({"lm_head.weight", DType::kF32, 7, 65519}), out_, typed(DType::kF16));
  EXPECT_EQ(Opened(out_).values("lm_head.weight")[7], 65504.0F);
  ConvertOptions options = typed(DType::kBF16);
  options.replace = true;
  convert(changed({"lm_head.weight", DType::kF32, 7, 3.39e38F}), out_, options);
  EXPECT_TRUE(std::isfinite(Opened(out_).values("lm_head.weight")[7]));
}

}  // namespace
}  // namespace xlstm::testing
