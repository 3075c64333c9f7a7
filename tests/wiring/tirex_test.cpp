// TiRex: its folders, and what its config and tensors may say.
#include "xlstm/wiring/families/tirex/tirex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/wiring/faults_of.h"
#include "tests/wiring/plan_facts.h"
#include "xlstm/base/json.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

// D 24, 3 heads of 8, F 40, patches of 4 with 2 quantiles, inner width 20, 2 blocks.
FakeSource make_source(const std::string& wrapper = "") {
  FakeSource source;
  const auto dense = [&](const std::string& name, std::int64_t N, std::int64_t K) {
    source.add(name + ".weight", {N, K}).add(name + ".bias", {N});
  };
  dense("input_patch_embedding.hidden_layer", 20, 8);
  dense("input_patch_embedding.output_layer", 24, 20);
  dense("input_patch_embedding.residual_layer", 24, 8);
  dense("output_patch_embedding.hidden_layer", 20, 24);
  dense("output_patch_embedding.output_layer", 8, 20);
  dense("output_patch_embedding.residual_layer", 8, 24);
  source.add(wrapper + "out_norm.weight", {24});
  for (int block = 0; block < 2; ++block) {
    const std::string at = wrapper + "blocks." + std::to_string(block) + ".";
    for (const char* gate : {"fgate", "igate", "zgate", "ogate"}) {
      source.add(at + "slstm_layer." + gate + ".weight", {3, 8, 8});
    }
    source.add(at + "slstm_layer.slstm_cell._recurrent_kernel_", {3, 8, 32})
        .add(at + "slstm_layer.slstm_cell._bias_", {96})
        .add(at + "slstm_layer.group_norm.weight", {24})
        .add(at + "norm_slstm.weight", {24})
        .add(at + "norm_ffn.weight", {24})
        .add(at + "ffn.proj_up_gate.weight", {40, 24})
        .add(at + "ffn.proj_up.weight", {40, 24})
        .add(at + "ffn.proj_down.weight", {24, 40});
  }
  return source;
}

Json make_config() {
  return Json::parse(R"({"train_ctx_len": 64, "model_config": {"input_patch_size": 4,
    "output_patch_size": 4, "quantiles": [0.25, 0.75], "input_ff_dim": 20, "block_kwargs":
    {"all_slstm": true, "embedding_dim": 24, "num_blocks": 2, "num_heads": 3, "vocab_size": 0}}})");
}

Plan plan_of(const FakeSource& source, const Json& config) {
  return discover(config.dump(), source, "model");
}

std::vector<std::string> faults_of(const FakeSource& source, const Json& config) {
  return faults_of(source, config.dump());
}

TEST(Tirex, PlanOfASmallModel) {
  for (const std::string wrapper : {"", "block_stack.", "model.block_stack."}) {
    const Plan plan = plan_of(make_source(wrapper), make_config());
    EXPECT_EQ(plan.family, "tirex");
    EXPECT_EQ(plan.dialect, wrapper.empty() ? "package" : "lightning");
    EXPECT_EQ(plan.V, 0);
    EXPECT_EQ(plan.D, 24);
    EXPECT_EQ(size_of(plan, "F"), 40);
    EXPECT_EQ(size_of(plan, "context"), 64);
    ASSERT_EQ(plan.layers.size(), 8U);  // series, input, two blocks of two, out_norm, output
    const auto& series = plan.layers.front().spec_as<tirex::SeriesSpec>();
    EXPECT_EQ(series.P, 4);
    EXPECT_EQ(series.context, 64);
    EXPECT_THAT(series.quantiles, ElementsAre(0.25F, 0.75F));
    EXPECT_EQ(series.resampling_context, 2016);
    const auto& slstm = plan.layer("blocks.1.slstm").spec_as<tirex::SlstmSpec>();
    EXPECT_EQ(slstm.NH, 3);
    EXPECT_EQ(slstm.DH, 8);
    EXPECT_EQ(plan.layer("output").spec_as<ResidualMlpSpec>().O, 8);
    EXPECT_EQ(plan.state_bytes(), 2U * 4 * 24 * sizeof(float));
  }
}

// The names of the gates are swapped: what "fgate" makes goes to the input gate.
TEST(Tirex, GatesAreJoinedAsModelsAreTrained) {
  const FakeSource source = make_source();
  const Plan plan = plan_of(source, make_config());
  const Parameter* gates = plan.find_parameter("blocks.0.slstm.gates_if.weight");
  ASSERT_NE(gates, nullptr);
  EXPECT_EQ(gates->shape, Shape({6, 8, 8}));
  std::vector<std::string> names;
  for (const std::size_t tensor : gates->sources) names.push_back(source.tensors()[tensor].name);
  EXPECT_THAT(
      names, ElementsAre("blocks.0.slstm_layer.fgate.weight", "blocks.0.slstm_layer.igate.weight"));
}

TEST(Tirex, TheFoldersOfTheProject) {
  const fs::path folders[] = {fs::path(XLSTM_TEST_DATA) / "golden/tirex",
                              fs::path(XLSTM_SOURCE_DIR) / "models/tides-1m"};
  const std::int64_t widths[] = {64, 128};
  for (int i = 0; i < 2; ++i) {
    const auto source = open_weights(folders[i]);
    const Plan plan = discover(folders[i], *source);
    EXPECT_EQ(plan.family, "tirex");
    EXPECT_EQ(plan.D, widths[i]);
    std::uint64_t bytes = 0;
    for (const TensorInfo& tensor : source->tensors()) bytes += tensor.bytes;
    EXPECT_EQ(plan.bytes(), bytes);
  }
  const Plan tides = discover(folders[1], *open_weights(folders[1]));
  EXPECT_EQ(tides.parameter_count(), 1'445'056U);
}

TEST(Tirex, ConfigsThatAreWrong) {
  const auto refused = [](const char* pointer, const Json& value, const std::string& fault) {
    Json config = make_config();
    config[Json::json_pointer(pointer)] = value;
    EXPECT_THAT(faults_of(make_source(), config), ElementsAre(HasSubstr(fault))) << pointer;
  };
  refused("/train_ctx_len", 62, "train_ctx_len is 62, which is no multiple of the patch, 4");
  refused("/train_ctx_len", 0, "train_ctx_len: wanted a whole number from 1 to");
  // A context that no memory has room for, and a longest season of more.
  refused("/train_ctx_len", 2147483616, "train_ctx_len: wanted a whole number from 1 to 16777216");
  refused("/model_config/max_context", 2147483616, "max_context: wanted a whole number from 1 to");
  refused("/model_config/output_patch_size", 8, "output_patch_size is 8 and input_patch_size 4");
  refused("/model_config/quantiles", {0.75, 0.25}, "quantiles wants rising levels between 0 and 1");
  refused("/model_config/input_ff_dim", 21, "input_ff_dim is 21, the tensors say H = 20");
  refused("/model_config/block_kwargs/num_heads", 4, "num_heads is 4, the tensors say NH = 3");
  refused("/model_config/block_kwargs/num_blocks", 3, "num_blocks is 3, the tensors say L = 2");
  refused("/model_config/block_kwargs/embedding_dim", 32, "embedding_dim is 32");
  refused("/model_config/block_kwargs/all_slstm", false, "only stacks of sLSTM blocks are run");
  expect_error(ErrorKind::kFormat, {"model_config"}, [] {
    plan_of(make_source(), {{"train_ctx_len", 64}, {"model_config", 3}});
  });
}

TEST(Tirex, SaysAllThatIsMissing) {
  EXPECT_THAT(faults_of(make_source(), Json::object()),
              ElementsAre("train_ctx_len is missing", "input_patch_size is missing",
                          "output_patch_size is missing", "quantiles wants a list of levels"));
}

TEST(Tirex, PatchesMustFitTheTensors) {
  Json config = make_config();
  config["model_config"]["input_patch_size"] = config["model_config"]["output_patch_size"] = 8;
  EXPECT_THAT(faults_of(make_source(), config),
              ElementsAre("twice input_patch_size is 16, the tensors say I = 8",
                          "output_patch_size times the number of quantiles is 16, the tensors say "
                          "O = 8"));
}

TEST(Tirex, TensorsThatAreWrong) {
  FakeSource source = make_source();
  source.remove("blocks.1.slstm_layer.zgate.weight")
      .add("blocks.0.slstm_layer.conv1d.weight", {24, 1, 4})
      .add("blocks.0.slstm_layer.slstm_cell._bias_", {95});
  EXPECT_THAT(
      faults_of(source, make_config()),
      ElementsAre(
          "missing tensor \"blocks.1.slstm_layer.zgate.weight\" [NH, DH, DH] = [3, 8, 8]",
          HasSubstr("\"blocks.0.slstm_layer.slstm_cell._bias_\": wanted shape [4*D] = [96]"),
          "unexpected tensor \"blocks.0.slstm_layer.conv1d.weight\" [24, 1, 4]"));
}

}  // namespace
}  // namespace xlstm::testing
