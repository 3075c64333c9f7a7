// The first paper's models: their golden folders, their config key by key, and what is refused.
#include "xlstm/wiring/families/xlstm_original/xlstm_original.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <tuple>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "tests/wiring/faults_of.h"
#include "tests/wiring/plan_facts.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/json.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

fs::path folder_of(const std::string& name) {
  return fs::path(XLSTM_TEST_DATA) / "golden" / name;
}

// A golden folder's headers.
FakeSource headers_of(const std::string& name) {
  FakeSource out;
  const auto source = open_weights(folder_of(name));
  for (const TensorInfo& info : source->tensors()) out.add(info.name, info.shape, info.dtype);
  return out;
}

// original-mixed: four blocks, of which the second is an sLSTM block; biases; D 64, E 128.
FakeSource mixed() {
  return headers_of("original-mixed");
}
std::string in_block(int block, const std::string& name) {
  return str("xlstm_block_stack.blocks.", block, ".", name);
}

// Its config with the value at a JSON pointer replaced.
std::string config_with(const std::string& place, const Json& value) {
  Json root = parse_json(whole_file(folder_of("original-mixed") / "config.json"), "config");
  root[Json::json_pointer(place)] = value;
  return root.dump();
}
std::string config_of_mixed() {
  return whole_file(folder_of("original-mixed") / "config.json");
}

std::vector<std::string> layers_of(const Plan& plan) {
  std::vector<std::string> out;
  for (const Layer& layer : plan.layers) out.push_back(layer.name + " " + layer.kind);
  return out;
}

TEST(XlstmOriginal, LayersOfAMixedStack) {
  const Plan plan = discover(folder_of("original-mixed"), mixed());
  EXPECT_EQ(plan.family, "xlstm-original");
  EXPECT_THAT(layers_of(plan),
              ElementsAre("embedding embedding", "blocks.0.mlstm original_mlstm",
                          "blocks.1.slstm original_slstm", "blocks.1.ffn original_ffn",
                          "blocks.2.mlstm original_mlstm", "blocks.3.mlstm original_mlstm",
                          "post_norm original_norm", "lm_head lm_head"));
  const auto& mlstm = plan.layer("blocks.0.mlstm").spec_as<OriginalMlstmSpec>();
  EXPECT_EQ(mlstm.NH, 4);
  EXPECT_EQ(mlstm.DH, 32);
  EXPECT_EQ(mlstm.cell_eps, 1e-6F);
  const auto& slstm = plan.layer("blocks.1.slstm").spec_as<OriginalSlstmSpec>();
  EXPECT_EQ(slstm.NH, 4);
  EXPECT_EQ(slstm.DH, 16);
  EXPECT_EQ(slstm.K, 4);
  EXPECT_TRUE(slstm.is_vanilla);
  const auto& ffn = plan.layer("blocks.1.ffn").spec_as<OriginalFfnSpec>();
  EXPECT_EQ(ffn.F, 128);
  EXPECT_EQ(ffn.activation, Activation::kGelu);
  EXPECT_FALSE(plan.tied_head());  // tie_weights is true, but the file has a head of its own
  EXPECT_THAT(plan.variations, ElementsAre("biases"));
  EXPECT_EQ(plan.blocks_text,
            "4, width 64; 3 mLSTM, inner width 128, 4 heads of 32, convolution of 4; 1 sLSTM, "
            "4 heads of 16, convolution of 4, FFN 128 (gelu)");
}

TEST(XlstmOriginal, StatesOfBothKindsOfBlock) {
  const Plan plan = discover(folder_of("original-mixed"), mixed());
  const auto state_of = [&](const std::string& layer) {
    std::vector<std::string> out;
    for (const StateTensor& tensor : plan.layer(layer).state) {
      out.push_back(tensor.name + " " + to_string(tensor.shape));
    }
    return out;
  };
  EXPECT_THAT(state_of("blocks.0.mlstm"),
              ElementsAre("blocks.0.C [4, 32, 32]", "blocks.0.n [4, 32]", "blocks.0.m [4]",
                          "blocks.0.window [3, 128]"));
  EXPECT_THAT(state_of("blocks.1.slstm"),
              ElementsAre("blocks.1.y [4, 16]", "blocks.1.c [4, 16]", "blocks.1.n [4, 16]",
                          "blocks.1.m [4, 16]", "blocks.1.window [3, 64]"));
}

// Parameters by hand. Outside: embedding, head 2 V D, norm D. An mLSTM block: norm D, up 2 E D,
// conv E K + E, q, k, v 3 E BS, gates 2 NH (3 E + 1), head norm and skip 2 E, down D E = 30152 with
// D 64, E 128, K 4, BS 4, NH 4; biases 2 E + 3 E + D = 704. An sLSTM block: norm D, conv D K + D,
// gates 4 D SDH, R 4 D SDH, bias 4 D, group norm D = 8896; FFN: norm D, 3 F D = 24640 with F 128.
TEST(XlstmOriginal, EveryTensorIsUsedOnce) {
  const std::pair<const char*, std::uint64_t> cases[] = {
      {"original-mlstm", 2 * 200 * 64 + 64 + 3 * 30152},
      {"original-slstm", 2 * 200 * 64 + 64 + 2 * (8896 + 24640)},
      {"original-mixed", 2 * 200 * 64 + 64 + 3 * (30152 + 704) + 8896 + 24640}};
  for (const auto& [name, parameters] : cases) {
    SCOPED_TRACE(name);
    const FakeSource source = headers_of(name);
    const Plan plan = discover(folder_of(name), source);
    std::vector<int> uses(source.tensors().size(), 0);
    for (const Layer& layer : plan.layers) {
      for (const Parameter& parameter : layer.parameters) {
        std::int64_t elements = 0;
        for (const std::size_t i : parameter.sources) {
          ++uses.at(i);
          elements += element_count(source.tensors()[i].shape).value();
        }
        EXPECT_EQ(elements, element_count(parameter.shape)) << parameter.name;
      }
    }
    EXPECT_EQ(uses, std::vector<int>(uses.size(), 1));
    EXPECT_EQ(plan.parameter_count(), parameters);
  }
}

// The cell reads what is called fgate as its input gate.
TEST(XlstmOriginal, GatesChangeTheirNames) {
  const FakeSource source = mixed();
  const Plan plan = discover(folder_of("original-mixed"), source);
  const Parameter* gates = plan.find_parameter("blocks.1.slstm.gates_if.weight");
  ASSERT_NE(gates, nullptr);
  std::vector<std::string> names;
  for (const std::size_t i : gates->sources) names.push_back(source.tensors()[i].name);
  EXPECT_THAT(names,
              ElementsAre(in_block(1, "xlstm.fgate.weight"), in_block(1, "xlstm.igate.weight")));
}

TEST(XlstmOriginal, MissingKeysAreThePackagesDefaults) {
  const char* config = R"({"mlstm_block": {"mlstm": {}}, "slstm_at": [1], "bias": true,
      "slstm_block": {}})";
  const Plan plan = discover(config, mixed(), "model");
  EXPECT_EQ(layers_of(plan), layers_of(discover(config_of_mixed(), mixed(), "model")));
  EXPECT_EQ(plan.layer("blocks.1.ffn").spec_as<OriginalFfnSpec>().activation, Activation::kGelu);
}

TEST(XlstmOriginal, TheConfigMayLieUnderModel) {
  const std::string config = R"({"training": {"lr": 0.1}, "model": )" + config_of_mixed() + "}";
  EXPECT_EQ(layers_of(discover(config, mixed(), "model")),
            layers_of(discover(config_of_mixed(), mixed(), "model")));
  EXPECT_THAT(faults_of(mixed(), R"({"model": {"mlstm_block": {"mlstm": {"num_heads": 5}},
                                     "slstm_block": {"slstm": {}, "feedforward": {}},
                                     "slstm_at": [1], "bias": true}})"),
              ElementsAre("mlstm_block.mlstm.num_heads is 5, the tensors say NH = 4"));
}

// Folders that the package made, with all parts in other sizes or left out.
TEST(XlstmOriginal, OddAndBareFolders) {
  const fs::path odd = folder_of("original-odd"), bare = folder_of("original-bare");
  const Plan plan = discover(odd, *open_weights(odd));
  EXPECT_EQ(plan.blocks_text,
            "3, width 36; 1 mLSTM, inner width 72, 3 heads of 24, convolution of 7; 2 sLSTM, 3 "
            "heads of 12, convolution of 2, FFN 75 (relu^2)");
  EXPECT_THAT(plan.variations,
              ElementsAre("biases", "no norm after the blocks", "biases in the FFN",
                          "recurrent matrices as CUDA stores them"));
  EXPECT_THAT(discover(bare, *open_weights(bare)).variations,
              ElementsAre("tied head", "no convolution in sLSTM blocks",
                          "group norms without weights", "no FFN"));
}

TEST(XlstmOriginal, NamesMayBeWrapped) {
  for (const char* wrapper : {"model.", "module.", "_orig_mod.", "model.module."}) {
    FakeSource source = mixed();
    source.rename([&](const std::string& name) { return wrapper + name; });
    EXPECT_EQ(discover(config_of_mixed(), source, "model").layers.size(), 8U) << wrapper;
  }
}

TEST(XlstmOriginal, RecurrentMatricesOfEitherBackend) {
  FakeSource source = mixed();
  source.add(in_block(1, "xlstm.slstm_cell._recurrent_kernel_"), {4, 16, 64});
  const Plan plan = discover(config_of_mixed(), source, "model");
  EXPECT_FALSE(plan.layer("blocks.1.slstm").spec_as<OriginalSlstmSpec>().is_vanilla);
  EXPECT_THAT(plan.variations, Contains("recurrent matrices as CUDA stores them"));
  source.add(in_block(1, "xlstm.slstm_cell._recurrent_kernel_"), {4, 16, 48});
  EXPECT_THAT(faults_of(source, config_of_mixed()),
              ElementsAre("_recurrent_kernel_: wanted [SNH, SDH, 4*SDH] or [SNH, 4*SDH, SDH] with "
                          "SDH = 16, got [4, 16, 48]"));
}

TEST(XlstmOriginal, PartsThatTheConfigLeavesOut) {
  FakeSource source = mixed();
  source.remove(in_block(1, "xlstm.conv1d.conv.weight"))
      .remove(in_block(1, "xlstm.conv1d.conv.bias"));
  const Plan plan =
      discover(config_with("/slstm_block/slstm/conv1d_kernel_size", 0), source, "model");
  EXPECT_EQ(plan.layer("blocks.1.slstm").state.size(), 4U);
  EXPECT_EQ(plan.layer("blocks.1.slstm").spec_as<OriginalSlstmSpec>().K, 0);
  EXPECT_THAT(plan.variations, Contains("no convolution in sLSTM blocks"));

  source = mixed().remove(in_block(1, "xlstm.group_norm.weight"));
  EXPECT_THAT(discover(config_with("/slstm_block/slstm/group_norm_weight", false), source, "model")
                  .variations,
              Contains("group norms without weights"));

  source = mixed().remove("xlstm_block_stack.post_blocks_norm.weight");
  EXPECT_THAT(layers_of(discover(config_with("/add_post_blocks_norm", false), source, "model")),
              Not(Contains("post_norm original_norm")));

  source = mixed();
  for (const char* name : {"ffn_norm.weight", "ffn.proj_up.weight", "ffn.proj_down.weight"}) {
    source.remove(in_block(1, name));
  }
  const std::string no_ffn = config_with("/slstm_block/feedforward", nullptr);
  EXPECT_THAT(layers_of(discover(no_ffn, source, "model")),
              Not(Contains("blocks.1.ffn original_ffn")));
}

// Each is there, and by the config it is not.
TEST(XlstmOriginal, PartsThatTheConfigDoesNotHaveAreUnexpected) {
  const std::tuple<const char*, Json, std::vector<std::string>> cases[] = {
      {"/slstm_block/slstm/conv1d_kernel_size",
       0,
       {in_block(1, "xlstm.conv1d.conv.weight"), in_block(1, "xlstm.conv1d.conv.bias")}},
      {"/slstm_block/slstm/group_norm_weight", false, {in_block(1, "xlstm.group_norm.weight")}},
      {"/add_post_blocks_norm", false, {"xlstm_block_stack.post_blocks_norm.weight"}},
      {"/slstm_block/feedforward", nullptr, {in_block(1, "ffn.proj_up.weight")}},
      {"/bias", false, {in_block(0, "xlstm.proj_up.bias"), in_block(3, "xlstm.q_proj.bias")}}};
  for (const auto& [place, value, names] : cases) {
    const auto faults = faults_of(mixed(), config_with(place, value));
    for (const std::string& name : names) {
      EXPECT_THAT(faults, Contains(HasSubstr("unexpected tensor " + quoted(name)))) << place;
    }
  }
}

TEST(XlstmOriginal, MissingAndForeignTensors) {
  FakeSource source = mixed();
  source.remove(in_block(1, "xlstm.igate.weight")).remove(in_block(2, "xlstm.learnable_skip"));
  source.add(in_block(0, "ffn_norm.weight"), {64});
  EXPECT_THAT(
      faults_of(source, config_of_mixed()),
      ElementsAre("missing tensor \"xlstm_block_stack.blocks.1.xlstm.igate.weight\" "
                  "[SNH, SDH, SDH] = [4, 16, 16]",
                  "missing tensor \"xlstm_block_stack.blocks.2.xlstm.learnable_skip\" [E] = [128]",
                  "unexpected tensor \"xlstm_block_stack.blocks.0.ffn_norm.weight\" [64]"));
  source = mixed();
  source.add(in_block(4, "attention.weight"), {64, 64});
  EXPECT_THAT(faults_of(source, config_with("/num_blocks", 5)),
              Contains("block 4 is neither an mLSTM nor an sLSTM block: it has "
                       "\"xlstm_block_stack.blocks.4.attention.weight\""));
}

TEST(XlstmOriginal, AHeadMayBeTied) {
  FakeSource source = mixed();
  source.remove("lm_head.weight");
  EXPECT_TRUE(discover(config_of_mixed(), source, "model").tied_head());
  EXPECT_THAT(faults_of(source, config_with("/tie_weights", false)),
              ElementsAre("missing tensor \"lm_head.weight\" [V, D] = [200, 64]"));
}

TEST(XlstmOriginal, AStackWithoutAVocabulary) {
  FakeSource source = mixed();
  source.remove("lm_head.weight").remove("token_embedding.weight");
  const std::string prefix = "xlstm_block_stack.";
  source.rename([&](const std::string& name) { return name.substr(prefix.size()); });
  const Plan plan = discover(config_with("/vocab_size", -1), source, "model");
  EXPECT_EQ(plan.V, 0);
  EXPECT_EQ(plan.layers.front().name, "blocks.0.mlstm");
  EXPECT_EQ(plan.layers.back().name, "post_norm");
  EXPECT_EQ(plan.dialect, "stack");
  // What the config has a size of is missing.
  EXPECT_THAT(faults_of(source, config_of_mixed()),
              ElementsAre(HasSubstr("missing tensor \"token_embedding.weight\"")));
}

TEST(XlstmOriginal, StacksOfOneKind) {
  const FakeSource slstm = headers_of("original-slstm");
  const char* block = R"("slstm_block": {"slstm": {}, "feedforward": {}})";
  // Without an mlstm_block all are sLSTM blocks, whatever slstm_at says.
  for (const char* places : {R"("slstm_at": "all")", R"("slstm_at": [0, 1])", R"("slstm_at": [])",
                             R"("slstm_at": [-1, 0])"}) {
    const std::string config = str("{", block, ", ", places, "}");
    EXPECT_EQ(discover(config, slstm, "model").layers.size(), 7U) << places;
  }
  EXPECT_THAT(faults_of(slstm, "{}"),
              Contains("the config has neither an mlstm_block nor an slstm_block"));
  const FakeSource mlstm = headers_of("original-mlstm");
  EXPECT_EQ(discover(R"({"mlstm_block": {"mlstm": {}}})", mlstm, "model").layers.size(), 6U);
}

TEST(XlstmOriginal, BlocksOfAnotherKindThanTheConfigSays) {
  EXPECT_THAT(
      faults_of(mixed(), config_with("/slstm_at", Json::array({2}))),
      ElementsAre("block 1 is an mLSTM block by the config, the tensors are those of an sLSTM "
                  "block",
                  "block 2 is an sLSTM block by the config, the tensors are those of an mLSTM "
                  "block",
                  "_block_map is \"0,1,0,0\", slstm_at makes it \"0,0,1,0\""));
  EXPECT_THAT(faults_of(mixed(), config_with("/_block_map", "0,1,0")),
              ElementsAre("_block_map is \"0,1,0\", slstm_at makes it \"0,1,0,0\""));
  EXPECT_THAT(faults_of(mixed(), config_with("/slstm_at", Json::array({1, 4}))),
              ElementsAre("slstm_at has 4, there are 4 blocks"));
  EXPECT_THAT(
      faults_of(mixed(), config_with("/slstm_at", "some")),
      Contains("slstm_at is a string: \"some\", wanted a list of block numbers or \"all\""));
  EXPECT_THAT(faults_of(mixed(), config_with("/slstm_at", Json::array({"1"}))),
              Contains("slstm_at is a string: \"1\", wanted a list of block numbers or \"all\""));
}

// 2^64 - 1 is no -1, the last block.
TEST(XlstmOriginal, PlacesDoNotWrap) {
  EXPECT_THAT(faults_of(mixed(), config_with("/slstm_at", Json::array({18446744073709551615U}))),
              Contains("slstm_at is a number: 18446744073709551615, wanted a list of block numbers "
                       "or \"all\""));
}

struct Refused {
  const char* place;
  Json value;
  const char* fault;
};

TEST(XlstmOriginal, ConfigAgainstShapes) {
  const Refused cases[] = {
      {"/vocab_size", 201, "vocab_size is 201, the tensors say V = 200"},
      {"/embedding_dim", 32, "embedding_dim is 32, the tensors say D = 64"},
      {"/num_blocks", 5, "num_blocks is 5, the tensors say L = 4"},
      {"/mlstm_block/mlstm/num_heads", 8,
       "mlstm_block.mlstm.num_heads is 8, the tensors say NH = 4"},
      {"/mlstm_block/mlstm/qkv_proj_blocksize", 8,
       "mlstm_block.mlstm.qkv_proj_blocksize is 8, the tensors say BS = 4"},
      {"/mlstm_block/mlstm/conv1d_kernel_size", 3,
       "mlstm_block.mlstm.conv1d_kernel_size is 3, the tensors say K = 4"},
      {"/mlstm_block/mlstm/proj_factor", 2.01,
       "mlstm_block.mlstm.proj_factor is 2.01, which makes E = 192 (a multiple of 64), the tensors "
       "say E = 128"},
      {"/mlstm_block/mlstm/_proj_up_dim", 256,
       "mlstm_block.mlstm._proj_up_dim is 256, the tensors say E = 128"},
      {"/mlstm_block/mlstm/_inner_embedding_dim", 256,
       "mlstm_block.mlstm._inner_embedding_dim is 256, the tensors say E = 128"},
      {"/slstm_block/slstm/num_heads", 2,
       "slstm_block.slstm.num_heads is 2, the tensors say SNH = 4"},
      {"/slstm_block/slstm/conv1d_kernel_size", 2,
       "slstm_block.slstm.conv1d_kernel_size is 2, the tensors say SK = 4"},
      {"/slstm_block/feedforward/proj_factor", 1.0,
       "slstm_block.feedforward.proj_factor is 1, which makes F = 64 (a multiple of 64), the "
       "tensors say F = 128"},
      {"/slstm_block/feedforward/_proj_up_dim", 64,
       "slstm_block.feedforward._proj_up_dim is 64, the tensors say F = 128"}};
  for (const Refused& each : cases) {
    EXPECT_THAT(faults_of(mixed(), config_with(each.place, each.value)), Contains(each.fault));
  }
}

TEST(XlstmOriginal, AFactorOfAnyLength) {
  for (const double factor : {1e-30, 1e30, 3e38}) {
    EXPECT_THAT(faults_of(mixed(), config_with("/mlstm_block/mlstm/proj_factor", factor)),
                ElementsAre(HasSubstr("which makes E = ")));
  }
}

// Rounded down where the config says so.
TEST(XlstmOriginal, InnerWidthsMayBeRoundedDown) {
  Json root = parse_json(config_of_mixed(), "config");
  root["mlstm_block"]["mlstm"]["proj_factor"] = 2.5;
  root["mlstm_block"]["mlstm"]["round_proj_up_dim_up"] = false;
  EXPECT_EQ(size_of(discover(root.dump(), mixed(), "model"), "E"), 128);
  root["mlstm_block"]["mlstm"]["round_proj_up_to_multiple_of"] = 32;
  EXPECT_THAT(faults_of(mixed(), root.dump()), Contains(HasSubstr("which makes E = 160")));
}

TEST(XlstmOriginal, WhatIsNotComputedIsRefusedByName) {
  const Refused cases[] = {
      {"/slstm_block/slstm/function", "lstm",
       "slstm_block.slstm.function is \"lstm\": only the cell \"slstm\" is run, with exponential "
       "gates"},
      {"/slstm_block/slstm/backend", "triton",
       "slstm_block.slstm.backend is \"triton\", wanted \"cuda\" or \"vanilla\""},
      {"/slstm_block/slstm/forward_clipval", 1.5,
       "slstm_block.slstm.forward_clipval is 1.5: outputs of the cell are not clipped"},
      {"/slstm_block/slstm/initial_val", 0.5,
       "slstm_block.slstm.initial_val is a number: 0.5: states other than 0 at the start are not "
       "run"},
      {"/slstm_block/slstm/conv1d_kernel_size", 1,
       "slstm_block.slstm.conv1d_kernel_size is 1, wanted 0 (no convolution) or 2 to 64"},
      {"/mlstm_block/mlstm/conv1d_kernel_size", 0,
       "mlstm_block.mlstm.conv1d_kernel_size is 0, wanted 2 to 64"},
      {"/slstm_block/feedforward/act_fn", "tanh",
       "slstm_block.feedforward.act_fn is \"tanh\", wanted one of gelu, relu, relu^2, sigmoid, "
       "swish, selu"},
      {"/slstm_block/feedforward/ff_type", "ffn",
       "slstm_block.feedforward.ff_type is \"ffn\", wanted \"ffn_gated\""},
      {"/slstm_block/feedforward/proj_factor", -1,
       "slstm_block.feedforward.proj_factor: wanted a finite number above 0, got -1"},
      {"/num_blocks", 0, "num_blocks: wanted a whole number from 1 to 2147483647, got 0"}};
  for (const Refused& each : cases) {
    EXPECT_THAT(faults_of(mixed(), config_with(each.place, each.value)), Contains(each.fault));
  }
}

// The CUDA cell takes the bound of its gradient for one of its outputs too; the vanilla one does
// not.
TEST(XlstmOriginal, GradientsThatClipOutputs) {
  Json root = parse_json(config_with("/slstm_block/slstm/gradient_recurrent_clipval", 2), "config");
  EXPECT_EQ(discover(root.dump(), mixed(), "model").layers.size(), 8U);
  root["slstm_block"]["slstm"]["backend"] = "cuda";
  EXPECT_THAT(faults_of(mixed(), root.dump()),
              ElementsAre("slstm_block.slstm.gradient_recurrent_clipval is 2, to which the backend "
                          "\"cuda\" clips outputs of the cell, which is not run"));
}

TEST(XlstmOriginal, ActivationsOfTheFfn) {
  const std::pair<const char*, Activation> cases[] = {
      {"gelu", Activation::kGelu},    {"relu", Activation::kRelu},
      {"relu^2", Activation::kRelu2}, {"sigmoid", Activation::kSigmoid},
      {"swish", Activation::kSilu},   {"selu", Activation::kSelu}};
  for (const auto& [name, activation] : cases) {
    const Plan plan = discover(config_with("/slstm_block/feedforward/act_fn", name), mixed(), "m");
    EXPECT_EQ(plan.layer("blocks.1.ffn").spec_as<OriginalFfnSpec>().activation, activation);
  }
}

TEST(XlstmOriginal, WrongTypesInTheConfig) {
  const std::pair<const char*, Json> cases[] = {{"/mlstm_block", 3},
                                                {"/mlstm_block/mlstm", "a"},
                                                {"/slstm_block/slstm", Json::array()},
                                                {"/slstm_block/feedforward", true},
                                                {"/bias", 1},
                                                {"/slstm_block/slstm/num_heads", "4"}};
  for (const auto& [place, value] : cases) {
    SCOPED_TRACE(place);
    const std::string config = config_with(place, value);
    message_of(ErrorKind::kFormat, [&] { discover(config, mixed(), "model"); });
  }
}

TEST(XlstmOriginal, WidthsThatDoNotGoTogether) {
  FakeSource source = mixed();
  for (const int block : {0, 2, 3}) {
    for (const char* name : {"q", "k", "v"}) {
      source.add(in_block(block, str("xlstm.", name, "_proj.weight")), {31, 4, 4});
    }
  }
  EXPECT_THAT(faults_of(source, config_of_mixed()),
              ElementsAre("P = 31 times BS = 4 is not E = 128"));
  source = mixed();
  for (const int block : {0, 2, 3}) {
    for (const char* name : {"igate", "fgate"}) {
      source.add(in_block(block, str("xlstm.mlstm_cell.", name, ".weight")), {3, 384});
      source.add(in_block(block, str("xlstm.mlstm_cell.", name, ".bias")), {3});
    }
  }
  EXPECT_THAT(faults_of(source, config_with("/mlstm_block/mlstm/num_heads", 3)),
              ElementsAre("NH = 3 heads do not divide E = 128"));
}

}  // namespace
}  // namespace xlstm::testing
