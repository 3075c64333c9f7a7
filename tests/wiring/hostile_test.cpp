// Names and numbers meant to exhaust time or memory. Each of these would not end, or not fit, if
// any step were quadratic in the number of tensors or linear in a block's number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "tests/wiring/plan_facts.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kMany = 100000;

std::string refusal(const FakeSource& source) {
  return message_of(ErrorKind::kModel, [&] { discover("{}", source, "model"); });
}

TEST(Hostile, GiantBlockNumber) {
  FakeSource source = make_source();
  source.add(block_name(999999999999999999, "norm_ffn.weight"), {24});
  const std::string text = refusal(source);
  EXPECT_THAT(text, HasSubstr("blocks 2 to 999999999999999998 are missing"));
  EXPECT_THAT(text, HasSubstr("backbone.blocks.999999999999999999.mlstm_layer.q.weight"));
}

TEST(Hostile, BlockNumberThatFitsNoInteger) {
  FakeSource source = make_source();
  source.add("backbone.blocks.99999999999999999999999.norm_ffn.weight", {24});
  EXPECT_THAT(refusal(source), HasSubstr("unexpected tensor \"backbone.blocks.9999999999"));
}

TEST(Hostile, BlockNumbersThatAreNone) {
  for (const char* number : {"", "-1", "+1", "1e3", "0x1", " 1", "01"}) {
    FakeSource source = make_source();
    source.add(str("backbone.blocks.", number, ".norm_ffn.weight"), {24});
    EXPECT_THAT(refusal(source), HasSubstr("1 fault:\n  - unexpected tensor")) << number;
  }
}

TEST(Hostile, ManyUnknownNames) {
  FakeSource source = make_source();
  std::vector<std::string> names;
  for (int i = 0; i < kMany; ++i) names.push_back(str("model.model.", i, std::string(200, 'x')));
  source.add_all(names, {1});
  EXPECT_THAT(refusal(source), HasSubstr(str(": ", kMany, " faults:")));
}

TEST(Hostile, ManyBlocksWithOneTensorEach) {
  FakeSource source = make_source();
  std::vector<std::string> names;
  for (int i = 0; i < kMany; ++i) {
    names.push_back(block_name(1000000 + 2 * i, "mlstm_layer.q.weight"));
  }
  source.add_all(names, {12, 24});
  // Each lacks 14 tensors and stands behind a gap.
  EXPECT_THAT(refusal(source), HasSubstr(str(": ", 15 * kMany, " faults:")));
}

TEST(Hostile, ManyBlocksOfOtherKinds) {
  FakeSource source = make_source();
  std::vector<std::string> names;
  for (int i = 0; i < kMany; ++i) names.push_back(block_name(i + 2, "slstm_layer.x"));
  source.add_all(names, {1});
  EXPECT_THAT(refusal(source), HasSubstr(str(": ", kMany, " faults:")));
}

TEST(Hostile, ManyBlocksThatAreValid) {
  Sizes sizes;
  sizes.L = 500;
  sizes.V = sizes.D = sizes.DQK = sizes.DV = sizes.NH = sizes.F = 1;
  EXPECT_EQ(size_of(discover("{}", make_source(sizes), "model"), "L"), 500);
}

TEST(Hostile, LengthsWhoseProductsOverflow) {
  constexpr std::int64_t kHuge = 2147483647;
  const Sizes sizes{kHuge, kHuge, 1, 1, kHuge, kHuge, kHuge};
  const Plan plan = discover("{}", make_source(sizes), "model");
  EXPECT_EQ(size_of(plan, "DHQK"), kHuge);
  EXPECT_EQ(plan.find_parameter("blocks.0.ffn.up.weight")->shape, (Shape{2 * kHuge, kHuge}));
}

}  // namespace
}  // namespace xlstm::testing
