// What may be asked of the choice of tokens.
#include "xlstm/backend/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int V = 8;

std::string refusal(const Sampling& sampling) {
  try {
    check(sampling, V);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "accepted";
}

TEST(Sampling, CheckAcceptsTheBorders) {
  EXPECT_EQ(refusal({}), "accepted");
  EXPECT_EQ(refusal({.temperature = 0, .top_k = 1 << 30, .top_p = 1e-30F, .min_p = 1}), "accepted");
  EXPECT_EQ(refusal({.logit_bias = {{0, -kInf}, {V - 1, -1e30F}}}), "accepted");
  EXPECT_EQ(refusal({.presence_penalty = -2, .frequency_penalty = -2}), "accepted");
}

TEST(Sampling, CheckNamesFieldWantedAndGot) {
  EXPECT_THAT(refusal({.top_p = 7}),
              AllOf(HasSubstr("[top_p]"), HasSubstr("(0, 1]"), HasSubstr("got 7")));
  for (const float p : {0.0F, -0.1F, 1.001F, kNaN, kInf})
    EXPECT_THAT(refusal({.top_p = p}), HasSubstr("[top_p]"));
  for (const float p : {-0.1F, 1.001F, kNaN})
    EXPECT_THAT(refusal({.min_p = p}), HasSubstr("[min_p]"));
  for (const float t : {-0.1F, kNaN, kInf})
    EXPECT_THAT(refusal({.temperature = t}), HasSubstr("[temperature]"));
  for (const float p : {0.0F, -1.0F, kNaN, kInf}) {
    EXPECT_THAT(refusal({.repetition_penalty = p}), HasSubstr("[repetition_penalty]"));
  }
  for (const float p : {kNaN, kInf, -kInf}) {
    EXPECT_THAT(refusal({.presence_penalty = p}), HasSubstr("[presence_penalty]"));
    EXPECT_THAT(refusal({.frequency_penalty = p}), HasSubstr("[frequency_penalty]"));
  }
  EXPECT_THAT(refusal({.top_k = -1}), AllOf(HasSubstr("[top_k]"), HasSubstr("got -1")));
}

TEST(Sampling, CheckRefusesWrongBiases) {
  EXPECT_THAT(refusal({.logit_bias = {{V, 1.0F}}}),
              AllOf(HasSubstr("[logit_bias]"), HasSubstr("[0, 8)"), HasSubstr("got 8")));
  EXPECT_THAT(refusal({.logit_bias = {{-1, 1.0F}}}), HasSubstr("got -1"));
  EXPECT_THAT(refusal({.logit_bias = {{0, kNaN}}}), HasSubstr("[logit_bias]"));
  EXPECT_THAT(refusal({.logit_bias = {{0, kInf}}}), HasSubstr("[logit_bias]"));
}

TEST(Sampling, IdsOutsideTheVocabularyAreNamed) {
  const auto refusal_of = [](const std::vector<std::int32_t>& ids) -> std::string {
    try {
      check_ids("a place", ids, V);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal_of({}), "accepted");
  EXPECT_EQ(refusal_of({0, V - 1}), "accepted");
  EXPECT_EQ(refusal_of({0, V, -2}), "[a place] wanted token ids in [0, 8), got 8");
  EXPECT_EQ(refusal_of({-1}), "[a place] wanted token ids in [0, 8), got -1");
}

TEST(Sampling, WrongCutsAreRefusedInAGreedyRunToo) {
  EXPECT_THAT(refusal({.temperature = 0, .top_p = 7}), HasSubstr("[top_p]"));
}

TEST(Sampling, RefusesToLeaveNoToken) {
  Sampling sampling;
  for (std::int32_t id = 0; id < V; ++id) sampling.logit_bias[id] = -kInf;
  EXPECT_THAT(refusal(sampling), HasSubstr("at least one token"));
  sampling.logit_bias = {{0, -kInf}, {1, -kInf}};
  EXPECT_THROW(check(sampling, 4, std::array{2, 3}), Error);
  EXPECT_NO_THROW(check(sampling, 4, std::array{2}));
}

TEST(Sampling, SeedsAreMadeUpAnewAndShort) {
  const std::uint64_t first = random_seed(), second = random_seed();
  EXPECT_NE(first, second);  // equal once in 2^32
  EXPECT_LT(first, std::uint64_t{1} << 32);
}

}  // namespace
}  // namespace xlstm
