// Every family of checkpoints that people publish, as a tiny file of its shape: run, or refused by
// name with the reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_source.h"
#include "tests/wiring/faults_of.h"
#include "tests/wiring/plan_facts.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void expect_refused(const FakeSource& source, const std::string& name, const std::string& reason) {
  EXPECT_THAT(faults_of(source, "{}"),
              ElementsAre(HasSubstr(str("those of ", name, ", which is not run: ", reason))));
}

// ethicalabs/xLSTM-7b-Instruct: a vocabulary padded for chat tokens.
TEST(PublicCheckpoints, ResizedVocabulary) {
  Sizes sizes;
  sizes.V = 50560;
  sizes.dtype = DType::kBF16;
  const Plan plan = discover(
      R"({"vocab_size": 50560, "hidden_size": 24, "tie_word_embeddings": false, "num_heads": 3,
          "architectures": ["xLSTMForCausalLM"], "model_type": "xlstm"})",
      make_source(sizes), "model");
  EXPECT_EQ(plan.family, "xlstm-large");
  EXPECT_EQ(plan.V, 50560);
}

// anrilombard/sallm-xlstm-125m: the head is the embedding, and no tensor.
TEST(PublicCheckpoints, TiedHeadWithoutATensor) {
  Sizes sizes;
  sizes.V = 65536;
  FakeSource source = make_source(sizes);
  source.remove("lm_head.weight");
  const Plan plan = discover(R"({"vocab_size": 65536, "tie_word_embeddings": true})", source, "m");
  EXPECT_EQ(plan.V, 65536);
  EXPECT_THAT(plan.variations, ::testing::Contains("tied head"));
}

// J4bb4wukis and another of sallm: widths whose FFN and queries are rounded differently by
// different versions of the code that wrote them. What the tensors have is right.
TEST(PublicCheckpoints, WidthsThatAreRounded) {
  for (const auto& [D, DQK, F] : {std::tuple{768, 384, 2048}, {736, 368, 1984}}) {
    Sizes sizes;
    sizes.V = 64;
    sizes.NH = 4;
    sizes.D = sizes.DV = D;
    sizes.DQK = DQK;
    sizes.F = F;
    const Plan plan = discover(str(R"({"embedding_dim": )", D, R"(, "num_heads": 4, "num_blocks": 2,
                         "qk_dim_factor": 0.5, "v_dim_factor": 1.0, "ffn_proj_factor": 2.667,
                         "ffn_round_up_to_multiple_of": 64})"),
                               make_source(sizes), "model");
    EXPECT_EQ(plan.D, D);
    EXPECT_EQ(size_of(plan, "F"), F);
    EXPECT_EQ(size_of(plan, "DHQK"), DQK / 4);
  }
}

// stefan-it/xlstm-transformers-bug-*: written while training.
TEST(PublicCheckpoints, ModeTrain) {
  const Plan plan = discover(R"({"mode": "train", "max_inference_chunksize": 1, "num_heads": 3,
                                 "chunkwise_kernel": "chunkwise--triton_xl_chunk"})",
                             make_source(), "model");
  EXPECT_EQ(plan.family, "xlstm-large");
}

// J4bb4wukis/xlstm_247m: GPT-2's tokens.
TEST(PublicCheckpoints, Gpt2Ids) {
  Sizes sizes;
  sizes.V = 50257;
  const Plan plan = discover(
      R"({"bos_token_id": 50256, "eos_token_id": 50256, "pad_token_id": 50256, "vocab_size": 50257})",
      make_source(sizes), "model");
  EXPECT_EQ(plan.bos_id, 50256);
  EXPECT_THAT(plan.eos_ids, ElementsAre(50256));
}

// What trainers put before every name.
TEST(PublicCheckpoints, WrapperPrefixes) {
  for (const char* prefix : {"model.", "module.", "_orig_mod.", "module._orig_mod.model."}) {
    FakeSource source = make_source();
    source.rename([&](const std::string& name) { return prefix + name; });
    EXPECT_EQ(discover("{}", source, "model").family, "xlstm-large") << prefix;
  }
}

TEST(PublicCheckpoints, VisionLstm) {
  FakeSource source;
  source.add("patch_embed.proj.weight", {192, 3, 16, 16}).add("pos_embed.embed", {1, 14, 14, 192});
  source.add("blocks.0.norm.weight", {192}).add("blocks.0.layer.proj_up.weight", {768, 192});
  source.add("blocks.0.layer.mlstm_cell.igate.weight", {4, 1152}).add("head.weight", {1000, 192});
  expect_refused(source, "Vision-LSTM", "it reads patches of images");
}

TEST(PublicCheckpoints, BioXlstm) {
  FakeSource source;
  source.add("backbone.embeddings.word_embeddings.weight", {26, 64});
  source.add("backbone.layers.0.mixer.mlstm_cell.igate.weight", {4, 384});
  source.add("backbone.layers.0.mixer.proj_up.weight", {256, 64});
  expect_refused(source, "Bio-xLSTM", "it has layers of its own: rotary embeddings");
}

TEST(PublicCheckpoints, JaxTrees) {
  for (const char* between : {".", "/"}) {
    FakeSource source;
    source.add(str("params", between, "xlstm_lm_model", between, "embedding"), {1, 64, 32});
    expect_refused(source, "a JAX tree of xLSTM-large", "its layers are stacked");
    FakeSource leaves;
    leaves.add(
        str("blocks", between, "xlstm", between, "dense_q", between, "Dense_0", between, "kernel"),
        {2, 32, 16});
    expect_refused(leaves, "a JAX tree of xLSTM-large", "its layers are stacked");
  }
}

TEST(PublicCheckpoints, DistilledHybrids) {
  FakeSource source;
  source.add("model.layers.0.self_attn.q_proj.weight", {64, 64});
  source.add("model.layers.1.mlstm.q.weight", {32, 64});
  expect_refused(source, "a hybrid of attention and xLSTM", "no layout of such models");
}

}  // namespace
}  // namespace xlstm::testing
