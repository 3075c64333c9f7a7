// Rounding by the covariance of what matrices multiply with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/convert/converting.h"
#include "tests/support/expect_error.h"
#include "xlstm/base/error.h"
#include "xlstm/convert/convert.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;

// Inputs of which the first 32 columns are always the same number, so that these columns' errors
// add up: rounding that makes up for its errors makes them cancel out.
class SameColumns : public InputCovariance {
 public:
  std::vector<float> covariance(const std::string& parameter) override {
    asked.push_back(parameter);
    if (parameter != "lm_head.weight") return {};
    std::vector<float> out(256 * 256);
    for (std::size_t i = 0; i < 256; ++i) {
      out[i * 257] = 1;
      for (std::size_t j = 0; i < 32 && j < 32; ++j) out[i * 256 + j] = 1;
    }
    return out;
  }
  void record_result(const std::string& parameter, std::span<const float> values) override {
    auto& all = recorded[parameter];
    all.insert(all.end(), values.begin(), values.end());
  }
  std::vector<std::string> asked;
  std::map<std::string, std::vector<float>> recorded;
};

TEST_F(Convert, ACovarianceMakesErrorsCancelOut) {
  SameColumns covariance;
  ConvertOptions options = quantising(3);
  convert(kClassics, out_, options);
  options.covariance = &covariance;
  convert(kClassics, scratch_.path() / "led", options);
  const Opened before(kClassics), even(out_), led(scratch_.path() / "led");
  const auto error = [&](const Opened& model) {
    const auto wanted = before.values("lm_head.weight"), got = model.values("lm_head.weight");
    double all = 0;
    for (std::size_t i = 0; i < wanted.size(); i += 256) {
      double sum = 0;
      for (std::size_t k = 0; k < 32; ++k) sum += static_cast<double>(wanted[i + k]) - got[i + k];
      all += sum * sum;
    }
    return all;
  };
  EXPECT_LT(error(led), 0.2 * error(even));
  // What nothing is known of is rounded as ever.
  const std::string up = "backbone.blocks.0.ffn.proj_up.weight";
  EXPECT_EQ(led.values(up), even.values(up));
}

TEST_F(Convert, CovariancesAreAskedForInTheOrderOfData) {
  SameColumns covariance;
  ConvertOptions options = quantising();
  options.recipe->exclude = {"out"};
  options.covariance = &covariance;
  options.shard_bytes = 1'000'000;
  convert(kClassics, out_, options);
  ASSERT_EQ(covariance.asked.size(), 2u + 3 * 8);
  EXPECT_EQ(covariance.asked[0], "embedding.weight");
  EXPECT_EQ(covariance.asked[1], "blocks.0.mlstm.qkvo.weight");
  EXPECT_EQ(covariance.asked[3], "blocks.0.ffn.down.weight");
  EXPECT_EQ(covariance.asked[4], "blocks.1.mlstm.qkvo.weight");
  EXPECT_EQ(covariance.asked.back(), "lm_head.weight");
  // They are told what the file holds: rows of q, k, v and o after each other.
  const Opened after(out_);
  std::vector<float> qkvo;
  for (const char* part : {"q", "k", "v", "ogate_preact"}) {
    const auto rows = after.values(str("backbone.blocks.7.mlstm_layer.", part, ".weight"));
    qkvo.insert(qkvo.end(), rows.begin(), rows.end());
  }
  EXPECT_EQ(covariance.recorded.at("blocks.7.mlstm.qkvo.weight"), qkvo);
  EXPECT_EQ(covariance.recorded.count("blocks.0.mlstm.out.weight"), 0u);
}

TEST_F(Convert, ACovarianceThatThrowsLeavesNothing) {
  class Throwing : public SameColumns {
    std::vector<float> covariance(const std::string& parameter) override {
      if (parameter == "blocks.3.ffn.up.weight") fail(ErrorKind::kModel, parameter, "not finite");
      return {};
    }
  } covariance;
  ConvertOptions options = quantising();
  options.covariance = &covariance;
  EXPECT_THAT(message_of(ErrorKind::kModel, [&] { convert(kClassics, out_, options); }),
              HasSubstr("blocks.3.ffn.up.weight"));
  EXPECT_TRUE(names_in(scratch_.path()).empty());
}

}  // namespace
}  // namespace xlstm::testing
