// Models that must not run, and what is said about them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "tests/wiring/faults_of.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> faults_of(const FakeSource& source) {
  return faults_of(source, "{}");
}

TEST(Refusals, MissingTensor) {
  EXPECT_THAT(faults_of(make_source().remove("backbone.embeddings.weight")),
              ElementsAre("missing tensor \"backbone.embeddings.weight\" [V, D] = [40, 24]"));
  EXPECT_THAT(faults_of(make_source().remove(block_name(1, "mlstm_layer.igate_preact.bias"))),
              ElementsAre("missing tensor \"backbone.blocks.1.mlstm_layer.igate_preact.bias\" "
                          "[NH] = [3]"));
}

TEST(Refusals, MissingTensorsAreNamedAsTheCheckpointWould) {
  FakeSource source = make_source();
  source.remove(block_name(0, "ffn.proj_up.weight")).remove("lm_head.weight");
  source.rename([](const std::string& name) { return "model." + name; });
  EXPECT_THAT(
      faults_of(source, R"({"tie_word_embeddings": false})"),
      ElementsAre(
          "missing tensor \"model.lm_head.weight\" [V, D] = [40, 24]",
          "missing tensor \"model.backbone.blocks.0.ffn.proj_up.weight\" [F, D] = [64, 24]"));
}

TEST(Refusals, MissingFusedTensorIsNamedFused) {
  Sizes sizes;
  sizes.fused = true;
  FakeSource source = make_source(sizes);
  source.remove(block_name(1, "mlstm_layer.qkv_opreact.weight"));
  EXPECT_THAT(faults_of(source),
              ElementsAre("missing tensor \"backbone.blocks.1.mlstm_layer.qkv_opreact.weight\" "
                          "[2*DQK + 2*DV, D] = [96, 24]"));
}

TEST(Refusals, HeadPromisedByConfig) {
  EXPECT_THAT(
      faults_of(make_source().remove("lm_head.weight"), R"({"tie_word_embeddings": false})"),
      ElementsAre(HasSubstr("missing tensor \"lm_head.weight\"")));
}

TEST(Refusals, OutNormPromisedByConfig) {
  for (const char* config : {R"({"add_out_norm": true})", R"({"add_post_blocks_norm": true})"}) {
    EXPECT_THAT(faults_of(make_source().remove("backbone.out_norm.weight"), config),
                ElementsAre("missing tensor \"backbone.out_norm.weight\" [D] = [24]"));
  }
}

// Neither is promised nor denied: rather a checkpoint whose last file is lost.
TEST(Refusals, EverythingBehindTheBlocksGone) {
  FakeSource source = make_source();
  source.remove("lm_head.weight").remove("backbone.out_norm.weight");
  EXPECT_THAT(faults_of(source),
              ElementsAre(HasSubstr("missing tensor \"backbone.out_norm.weight\""),
                          HasSubstr("missing tensor \"lm_head.weight\"")));
}

TEST(Refusals, OutNormBiasWithoutWeight) {
  FakeSource source = make_source();
  source.remove("backbone.out_norm.weight").add("backbone.out_norm.bias", {24});
  EXPECT_THAT(faults_of(source),
              ElementsAre(HasSubstr("missing tensor \"backbone.out_norm.weight\"")));
}

TEST(Refusals, UnexpectedTensors) {
  FakeSource source = make_source();
  source.add("lm_head.bias", {40}).add(block_name(0, "mlstm_layer.q_norm.weight"), {4});
  source.add("backbone.blocks.00.norm_ffn.weight", {24});
  EXPECT_THAT(faults_of(source),
              ElementsAre("unexpected tensor \"backbone.blocks.0.mlstm_layer.q_norm.weight\" [4]",
                          "unexpected tensor \"backbone.blocks.00.norm_ffn.weight\" [24]",
                          "unexpected tensor \"lm_head.bias\" [40]"));
}

TEST(Refusals, NamesAreShownSafely) {
  FakeSource source = make_source();
  source.add("a\nb\x1b[31m\xff", {1});
  EXPECT_THAT(faults_of(source), ElementsAre(R"(unexpected tensor "a\x0ab\x1b[31m\xff" [1])"));
}

TEST(Refusals, MisshapenTensor) {
  FakeSource source = make_source();
  source.add(block_name(1, "ffn.proj_down.weight"), {64, 24});
  EXPECT_THAT(faults_of(source),
              ElementsAre("\"backbone.blocks.1.ffn.proj_down.weight\": wanted shape [D, F] = "
                          "[24, 64], got [64, 24]"));
}

TEST(Refusals, WrongRankEmptyAndGiantAxes) {
  for (const Shape& shape : {Shape{}, Shape{24, 1}, Shape{0}, Shape{-24}, Shape{1LL << 40}}) {
    FakeSource source = make_source();
    source.add(block_name(0, "norm_ffn.weight"), shape);
    EXPECT_THAT(faults_of(source),
                ElementsAre(HasSubstr(str("wanted shape [D] = [24], got ", to_string(shape)))));
  }
}

// One tensor of a wrong width is wrong, not all others: widths go by majority.
TEST(Refusals, EmbeddingOfAnotherWidth) {
  FakeSource source = make_source();
  source.add("backbone.embeddings.weight", {40, 25});
  EXPECT_THAT(faults_of(source),
              ElementsAre("\"backbone.embeddings.weight\": wanted shape [V, D] = "
                          "[40, 24], got [40, 25]"));
}

TEST(Refusals, NotAFloat) {
  FakeSource source = make_source();
  source.add("lm_head.weight", {40, 24}, DType::kI8);
  EXPECT_THAT(faults_of(source), ElementsAre("\"lm_head.weight\": wanted a float dtype, got I8"));
}

TEST(Refusals, GapsInBlockNumbers) {
  Sizes sizes;
  sizes.L = 1;
  FakeSource source = make_source(sizes);
  add_block(source, 2, sizes);
  add_block(source, 6, sizes);
  EXPECT_THAT(faults_of(source), ElementsAre("block 1 is missing", "blocks 3 to 5 are missing"));
}

TEST(Refusals, HeadsThatDoNotDivide) {
  Sizes sizes;
  sizes.NH = 5;
  EXPECT_THAT(faults_of(make_source(sizes)), ElementsAre("NH = 5 heads do not divide DQK = 12",
                                                         "NH = 5 heads do not divide DV = 36"));
}

TEST(Refusals, ConfigAgainstShapes) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"vocab_size": 41})", "vocab_size is 41, the tensors say V = 40"},
      {R"({"embedding_dim": 32})", "embedding_dim is 32, the tensors say D = 24"},
      {R"({"hidden_size": 32})", "hidden_size is 32, the tensors say D = 24"},
      {R"({"hidden_size": 32, "embedding_dim": 48})",
       "embedding_dim is 48 and hidden_size is 32, the tensors say D = 24"},
      {R"({"num_blocks": 3})", "num_blocks is 3, the tensors say L = 2"},
      {R"({"num_hidden_layers": 32, "num_blocks": 3})",
       "num_blocks is 3 and num_hidden_layers is 32, the tensors say L = 2"},
      {R"({"num_heads": 4})", "num_heads is 4, the tensors say NH = 3"},
      {R"({"qk_dim_factor": 1})",
       "qk_dim_factor is 1, which makes DQK = 24, the tensors say DQK = 12"},
      {R"({"v_dim_factor": 1.0})",
       "v_dim_factor is 1, which makes DV = 24, the tensors say DV = 36"},
      {R"({"ffn_proj_factor": 4})",
       "ffn_proj_factor is 4, which makes F = 128 (a multiple of 64), the tensors say F = 64"},
      {R"({"use_bias": true})", "use_bias is true, the tensors have no biases"}};
  for (const auto& [config, fault] : cases) {
    EXPECT_THAT(faults_of(make_source(), config), ElementsAre(fault)) << config;
  }
}

TEST(Refusals, BiasesThatConfigDenies) {
  Sizes sizes;
  sizes.bias = true;
  EXPECT_THAT(faults_of(make_source(sizes), R"({"use_bias": false})"),
              ElementsAre("use_bias is false, the tensors have 22 biases, the first is "
                          "\"backbone.blocks.0.norm_mlstm.bias\""));
}

TEST(Refusals, BiasesInSomePlacesOnly) {
  Sizes sizes;
  sizes.bias = true;
  FakeSource source = make_source(sizes);
  source.remove(block_name(1, "mlstm_layer.v.bias")).remove(block_name(0, "norm_ffn.bias"));
  EXPECT_THAT(faults_of(source),
              ElementsAre("missing tensor \"backbone.blocks.0.norm_ffn.bias\" [D] = [24]",
                          "missing tensor \"backbone.blocks.1.mlstm_layer.v.bias\" [DV] = [36]"));
}

TEST(Refusals, TheSameTensorTwice) {
  FakeSource source = make_source();
  source.add(block_name(0, "mlstm_layer.query.weight"), {12, 24});
  source.add("embedding.weight", {40, 24});
  EXPECT_THAT(faults_of(source),
              ElementsAre("\"backbone.blocks.0.mlstm_layer.q.weight\" and "
                          "\"backbone.blocks.0.mlstm_layer.query.weight\" are the same tensor",
                          "\"backbone.embeddings.weight\" and \"embedding.weight\" are the same "
                          "tensor"));
}

TEST(Refusals, FusedAndSingleOfTheSame) {
  FakeSource source = make_source();
  source.add(block_name(0, "mlstm_layer.ifgate_preact.weight"), {6, 24});
  EXPECT_THAT(faults_of(source),
              ElementsAre("\"backbone.blocks.0.mlstm_layer.igate_preact.weight\" is in "
                          "\"backbone.blocks.0.mlstm_layer.ifgate_preact.weight\" too"));
}

TEST(Refusals, FusedRowsThatDoNotSplit) {
  Sizes sizes;
  sizes.fused = true;
  FakeSource source = make_source(sizes);
  for (int block = 0; block < 2; ++block) {
    source.add(block_name(block, "mlstm_layer.qkv_opreact.weight"), {95, 24});
  }
  EXPECT_THAT(faults_of(source), ElementsAre("no tensor shows a valid length of DQK"));
}

TEST(Refusals, SlstmBlockAmongMlstmBlocks) {
  FakeSource source = make_source();
  source.add(block_name(2, "slstm_layer.fgate.weight"), {3, 8, 8});
  source.add(block_name(2, "norm_slstm.weight"), {24});
  source.add(block_name(2, "norm_ffn.weight"), {24});
  source.add(block_name(2, "ffn.proj_up.weight"), {64, 24});
  EXPECT_THAT(faults_of(source),
              ElementsAre("block 2 is an sLSTM block, only mLSTM blocks are run yet: it has "
                          "\"backbone.blocks.2.norm_slstm.weight\""));
}

TEST(Refusals, UnknownBlock) {
  FakeSource source = make_source();
  source.add(block_name(2, "attention.qkv.weight"), {72, 24});
  EXPECT_THAT(faults_of(source),
              ElementsAre("block 2 is of an unknown kind, only mLSTM blocks are run yet: it has "
                          "\"backbone.blocks.2.attention.qkv.weight\""));
}

TEST(Refusals, SigmoidInputGate) {
  FakeSource source = make_source();
  source.add(block_name(0, "mlstm_layer.siging.scale"), {3});
  EXPECT_THAT(
      faults_of(source, R"({"step_kernel": "native_siging"})"),
      ElementsAre("step_kernel is \"native_siging\": the cell with a sigmoid input gate "
                  "(siging) is not run yet",
                  "unexpected tensor \"backbone.blocks.0.mlstm_layer.siging.scale\" [3]: the "
                  "cell with a sigmoid input gate (siging) is not run yet"));
}

TEST(Refusals, OtherFamiliesAreRecognised) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"blocks.0.slstm_layer.fgate.weight", "blocks.0.norm_ffn.weight",
        "blocks.0.ffn.proj_up.weight", "out_norm.weight"},
       "a stack of sLSTM blocks in TiRex's layout"},
      {{"blocks.0.layer.mlstm_cell.igate.weight", "patch_embed.proj.weight"}, "Vision-LSTM"},
      {{"backbone.layers.0.mlstm_cell.igate.weight"}, "Bio-xLSTM"},
      {{"xlstm_lm_model.embedding"}, "a JAX tree of xLSTM-large"}};
  for (const auto& [names, family] : cases) {
    FakeSource source;
    source.add_all(names, {4, 4});
    EXPECT_THAT(
        faults_of(source),
        ElementsAre(HasSubstr(str("its tensors are those of ", family, ", which is not run: "))));
  }
}

TEST(Refusals, UnknownFamilyShowsItsNames) {
  FakeSource source;
  source.add("transformer.h.0.attn.weight", {4}).add("transformer.wte.weight", {4});
  EXPECT_THAT(faults_of(source),
              ElementsAre(HasSubstr("no tensor has a name of xLSTM-large (...mlstm_layer...) or "),
                          "unexpected tensor \"transformer.h.0.attn.weight\"",
                          "unexpected tensor \"transformer.wte.weight\""));
}

TEST(Refusals, NoTensorsAtAll) {
  EXPECT_THAT(
      faults_of(FakeSource()),
      ElementsAre(HasSubstr("no tensor has a name of xLSTM-large (...mlstm_layer...) or ")));
}

TEST(Refusals, AllKindsAtOnce) {
  FakeSource source = make_source();
  source.remove(block_name(0, "norm_ffn.weight")).add("extra", {2});
  source.add("lm_head.weight", {40, 23}, DType::kI32);
  EXPECT_THAT(
      faults_of(source, R"({"add_qk_norm": true, "eps": 0, "num_heads": 4})"),
      ElementsAre(HasSubstr("add_qk_norm"), HasSubstr("eps:"), HasSubstr("num_heads is 4"),
                  HasSubstr("missing tensor"), HasSubstr("wanted shape"),
                  HasSubstr("wanted a float dtype"), HasSubstr("unexpected tensor \"extra\"")));
}

TEST(Refusals, ThirtyFaultsGiveTwentyLinesAndACount) {
  FakeSource source = make_source();
  for (int i = 10; i < 40; ++i) source.add(str("extra.", i), {1});
  const std::string text = message_of(ErrorKind::kModel, [&] { discover("{}", source, "model"); });
  std::string wanted = "[model] this model cannot be run: 30 faults:";
  for (int i = 10; i < 30; ++i) wanted += str("\n  - unexpected tensor \"extra.", i, "\" [1]");
  EXPECT_EQ(text, wanted + "\n  and 10 more");
}

TEST(Refusals, TwentyFaultsNeedNoCount) {
  FakeSource source = make_source();
  for (int i = 10; i < 30; ++i) source.add(str("extra.", i), {1});
  const std::string text = message_of(ErrorKind::kModel, [&] { discover("{}", source, "model"); });
  EXPECT_THAT(text, HasSubstr("extra.29\" [1]"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("more")));
}

}  // namespace
}  // namespace xlstm::testing
