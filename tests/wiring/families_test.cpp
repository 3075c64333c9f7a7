// A family is what its folder and a table say: one that no file of xlstm/ knows is discovered,
// planned, checked and shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "tests/wiring/made_up_family.h"
#include "xlstm/wiring/discover.h"
#include "xlstm/wiring/quantization_recipe.h"
#include "xlstm/wiring/views.h"

namespace xlstm::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

FakeSource leaky_source() {
  FakeSource source;
  source.add("embedding.weight", {40, 32}).add("lm_head.weight", {40, 32});
  source.add("blocks.0.decay", {32}).add("blocks.1.decay", {32});
  return source;
}

TEST(Families, OneThatIsMadeUpIsDiscovered) {
  const Plan plan = discover(R"({"gain": 0.5, "eos_token_id": 3})", leaky_source(), "model",
                             families_with_leaky());
  EXPECT_EQ(plan.family, "leaky");
  EXPECT_EQ(plan.name, "model");
  EXPECT_EQ(plan.V, 40);
  EXPECT_EQ(plan.D, 32);
  EXPECT_THAT(plan.eos_ids, ElementsAre(3));
  std::vector<std::string> names, kinds;
  for (const Layer& layer : plan.layers) {
    names.push_back(layer.name);
    kinds.push_back(layer.kind);
  }
  EXPECT_THAT(names, ElementsAre("embedding", "blocks.0.leaky", "blocks.1.leaky", "lm_head"));
  EXPECT_THAT(kinds, ElementsAre("embedding", "leaky_integrator", "leaky_integrator", "lm_head"));
  const Layer& layer = plan.layer("blocks.1.leaky");
  EXPECT_EQ(layer.spec_as<LeakySpec>().gain, 0.5F);
  ASSERT_EQ(layer.state.size(), 1u);
  EXPECT_EQ(layer.state[0].name, "blocks.1.y");
  EXPECT_EQ(layer.state[0].shape, (Shape{32}));
  EXPECT_EQ(plan.state_bytes(), 2u * 4 * 32);
  EXPECT_EQ(plan.parameter_count(), 2u * 40 * 32 + 2 * 32);
}

TEST(Families, EachIsToldFromTheOthers) {
  EXPECT_EQ(discover("{}", make_source(), "model", families_with_leaky()).family, "xlstm-large");
  EXPECT_EQ(discover("{}", leaky_source(), "model", families_with_leaky()).family, "leaky");
}

TEST(Families, WhatNoneRecognisesIsRefusedByAllOfThem) {
  const auto refusal = [](std::span<const Family* const> among) {
    return message_of(ErrorKind::kModel,
                      [&] { discover("{}", FakeSource().add("x", {1}), "model", among); });
  };
  EXPECT_THAT(refusal(families_with_leaky()),
              HasSubstr("no tensor has a name of xLSTM-large (...mlstm_layer...) or leaky "
                        "(...decay)\n  - unexpected tensor \"x\""));
  EXPECT_THAT(message_of(ErrorKind::kModel, [] { discover("{}", leaky_source(), "model"); }),
              HasSubstr("no tensor has a name of xLSTM-large"));
}

TEST(Families, TheTableOfRowsFindsTheirFaults) {
  FakeSource source = leaky_source();
  source.remove("lm_head.weight").add("blocks.1.decay", {33}).add("blocks.3.decay", {32});
  source.add("blocks.0.other", {1});
  const std::string text = message_of(ErrorKind::kModel, [&] {
    discover(R"({"gain": -1})", source, "model", families_with_leaky());
  });
  for (const char* fault : {"gain: wanted a finite number above 0, got -1", "block 2 is missing",
                            "missing tensor \"lm_head.weight\" [V, D] = [40, 32]",
                            "\"blocks.1.decay\": wanted shape [D] = [32], got [33]",
                            "unexpected tensor \"blocks.0.other\" [1]"}) {
    EXPECT_THAT(text, HasSubstr(str("\n  - ", fault)));
  }
  EXPECT_THAT(text, HasSubstr("5 faults:"));
}

TEST(Families, ViewsShowWhatThePlanSays) {
  const Plan plan = discover("{}", leaky_source(), "model", families_with_leaky());
  EXPECT_THAT(tree_view(plan, TreeStyle::kAscii),
              HasSubstr("model: leaky (plain): V 40, D 32, L 2\ngain 1\n"));
  EXPECT_THAT(json_view(plan), HasSubstr("\"gain\": 1.0"));
  EXPECT_THAT(dot_view(plan), HasSubstr("kind leaky_integrator"));
}

TEST(Families, ARecipeExcludesWhatThePlanHas) {
  const Plan plan = discover("{}", leaky_source(), "model", families_with_leaky());
  EXPECT_THAT(quantizable_kinds(plan), ElementsAre("embedding", "head"));
  QuantizationRecipe recipe = default_recipe({.bits = 4, .group_size = 32});
  recipe.exclude = {"head", "decay"};  // the latter never is quantised
  check_recipe_for(recipe, plan, "model");
  EXPECT_FALSE(format_for(recipe, plan, plan.layers.back(), plan.layers.back().parameters[0]));
  EXPECT_TRUE(format_for(recipe, plan, plan.layers[0], plan.layers[0].parameters[0]));
  recipe.exclude = {"qkvo"};
  EXPECT_EQ(message_of(ErrorKind::kUsage, [&] { check_recipe_for(recipe, plan, "model"); }),
            "[model] wanted embedding, head to keep as they are, got \"qkvo\"");
}

TEST(Families, ARecipeForXlstmLarge) {
  const Plan plan = discover("{}", make_source(), "model");
  EXPECT_THAT(quantizable_kinds(plan),
              ElementsAre("embedding", "head", "qkvo", "out", "up", "down"));
  QuantizationRecipe recipe;
  recipe.exclude = {"gates", "norms", "down"};
  check_recipe_for(recipe, plan, "model");
}

}  // namespace
}  // namespace xlstm::testing
