#include "xlstm/wiring/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "xlstm/wiring/discover.h"
#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm::testing {
namespace {

TEST(Plan, SumsOverLayers) {
  const Plan plan = discover("{}", make_source(), "model");
  // Embedding and head 40*24 each, out_norm 24; a block: two norms of 24, q and k 12*24, v and o
  // 36*24, gates 2*(3*24 + 3), head norm 36, out 24*36, FFN 3 times 64*24.
  const std::uint64_t block =
      2 * 24 + 2 * 12 * 24 + 2 * 36 * 24 + 2 * (3 * 24 + 3) + 36 + 24 * 36 + 3 * 64 * 24;
  EXPECT_EQ(plan.parameter_count(), 2 * 40 * 24 + 24 + 2 * block);
  EXPECT_EQ(plan.bytes(), 4 * plan.parameter_count());
}

TEST(Plan, FindsLayersAndParameters) {
  const Plan plan = discover("{}", make_source(), "model");
  EXPECT_EQ(plan.layer("blocks.1.ffn").kind, "ffn");
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters)
      EXPECT_EQ(plan.find_parameter(parameter.name), &parameter);
  }
  EXPECT_EQ(plan.find_parameter("blocks.2.ffn.up.weight"), nullptr);
  EXPECT_EQ(plan.find_parameter(""), nullptr);
  EXPECT_EQ(message_of(ErrorKind::kInternal, [&] { plan.layer("blocks.2.ffn"); }),
            "[plan] no layer \"blocks.2.ffn\"");
}

TEST(Plan, LayersHaveTheSpecsOfTheirKind) {
  const Plan plan = discover(R"({"norm_eps": 0.25, "eps": 0.5, "gate_soft_cap": 4,
                                 "output_logit_soft_cap": null})",
                             make_source(), "model");
  EXPECT_EQ(plan.layer("embedding").kind, "embedding");
  EXPECT_TRUE(is_embedding(plan.layer("embedding")));
  for (const char* name : {"blocks.0.mlstm", "blocks.1.mlstm"}) {
    EXPECT_EQ(plan.layer(name).kind, "mlstm");
    const auto& spec = plan.layer(name).spec_as<MlstmSpec>();
    EXPECT_EQ(spec.NH, 3);
    EXPECT_EQ(spec.DHQK, 4);
    EXPECT_EQ(spec.DHV, 12);
    EXPECT_EQ(spec.norm_eps, 0.25F);
    EXPECT_EQ(spec.cell_eps, 0.5F);
    EXPECT_EQ(spec.gate_soft_cap, 4.0F);
  }
  EXPECT_EQ(plan.layer("blocks.1.ffn").kind, "ffn");
  EXPECT_EQ(plan.layer("blocks.1.ffn").spec_as<GatedFfnSpec>().F, 64);
  EXPECT_EQ(plan.layer("blocks.1.ffn").spec_as<GatedFfnSpec>().norm_eps, 0.25F);
  EXPECT_EQ(plan.layer("out_norm").kind, "rms_norm");
  EXPECT_EQ(plan.layer("out_norm").spec_as<RmsNormSpec>().eps, 0.25F);
  EXPECT_EQ(plan.layer("lm_head").kind, "lm_head");
  EXPECT_FALSE(plan.layer("lm_head").spec_as<VocabularyHeadSpec>().tied);
  EXPECT_FALSE(plan.layer("lm_head").spec_as<VocabularyHeadSpec>().soft_cap.has_value());
}

TEST(Plan, AnotherSpecThanTheLayersIsAnError) {
  const Plan plan = discover("{}", make_source(), "model");
  const std::string text =
      message_of(ErrorKind::kInternal, [&] { plan.layer("blocks.0.ffn").spec_as<MlstmSpec>(); });
  EXPECT_THAT(text, ::testing::HasSubstr("[blocks.0.ffn] wanted a layer with the spec "));
  EXPECT_THAT(text, ::testing::HasSubstr("GatedFfnSpec"));
}

TEST(Plan, LayersDeclareTheirState) {
  const Plan plan = discover("{}", make_source(), "model");
  const std::vector<StateTensor>& state = plan.layer("blocks.1.mlstm").state;
  ASSERT_EQ(state.size(), 3u);
  EXPECT_EQ(state[0].name, "blocks.1.C");
  EXPECT_EQ(state[0].shape, (Shape{3, 4, 12}));
  EXPECT_EQ(state[1].name, "blocks.1.n");
  EXPECT_EQ(state[1].shape, (Shape{3, 4}));
  EXPECT_EQ(state[2].name, "blocks.1.m");
  EXPECT_EQ(state[2].shape, (Shape{3}));
  for (const StateTensor& tensor : state) EXPECT_EQ(tensor.initial, 0.0F);
  EXPECT_EQ(plan.layer("blocks.1.mlstm").state_bytes(), 4u * (3 * 4 * 12 + 3 * 4 + 3));
  EXPECT_TRUE(plan.layer("blocks.1.ffn").state.empty());
  EXPECT_EQ(plan.state_bytes(), 2 * plan.layer("blocks.1.mlstm").state_bytes());
}

// D 24, DQK 12, DV 36, NH 3, F 64: the normed stream, what the projections make of it, and what is
// added to the stream.
TEST(Plan, LayersSayWhatTheyHoldAToken) {
  const Plan plan = discover("{}", make_source(), "model");
  EXPECT_EQ(plan.layer("blocks.0.mlstm").eager_floats, 2 * 24 + 2 * 12 + 3 * 36 + 2 * 3);
  EXPECT_EQ(plan.layer("blocks.0.ffn").eager_floats, 2 * 24 + 3 * 64);
  for (const Layer& layer : plan.layers) EXPECT_GE(layer.lazy_floats, layer.eager_floats);
}

// Saved states carry a hash of these: 3 heads, their two widths, norms in float32, and the bits of
// the constants behind whether they are there.
TEST(Plan, IdentityIsThatOfSavedStates) {
  const std::uint64_t e6 = 0x358637bd;
  EXPECT_EQ(discover("{}", make_source(), "model").identity,
            (std::vector<std::uint64_t>{3, 4, 12, 1, 1, e6, 1, e6, 1, 0x41700000, 1, 0x41f00000}));
  EXPECT_EQ(discover(R"({"norm_reduction_force_float32": false, "norm_eps": 0.5, "eps": 0.25,
                         "gate_soft_cap": null, "output_logit_soft_cap": null})",
                     make_source(), "model")
                .identity,
            (std::vector<std::uint64_t>{3, 4, 12, 0, 1, 0x3f000000, 1, 0x3e800000, 0, 0}));
}

// Float32 whatever the compute dtype: gates and norms; nothing else.
TEST(Plan, WhatStaysFloat32) {
  Sizes sizes;
  sizes.bias = true;
  const Plan plan = discover("{}", make_source(sizes), "model");
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      const bool gate_or_norm = parameter.name.find("gates.") != std::string::npos ||
                                parameter.name.find("norm.") != std::string::npos;
      EXPECT_EQ(parameter.keep_float32, gate_or_norm) << parameter.name;
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
