#include "xlstm/wiring/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
#include "tests/support/other_formats.h"
#include "tests/support/temporary_folder.h"
#include "tests/wiring/made_up_family.h"
#include "xlstm/base/input_file.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;

const fs::path kClassics = fs::path(XLSTM_SOURCE_DIR) / "models/classics-8m";

TEST(Checkpoint, OpensAFolder) {
  const Checkpoint opened = Checkpoint::open(kClassics);
  EXPECT_EQ(opened.folder, kClassics);
  EXPECT_EQ(opened.plan.name, "classics-8m");
  EXPECT_EQ(opened.plan.bytes(), 2 * opened.plan.parameter_count());
  EXPECT_EQ(opened.config, whole_file(kClassics / "config.json"));
  EXPECT_EQ(opened.tensors->tensors().size(), 123u);
  EXPECT_THAT(opened.tokenizer_files, ::testing::ElementsAre(kClassics / "tokenizer.json",
                                                             kClassics / "tokenizer_config.json"));
}

TEST(Checkpoint, InAHubSCacheItHasTheRepositorysName) {
  const TemporaryFolder folder;
  for (const auto& [cached, name] : {std::pair("models--a--b--c/snapshots/12ab", "a/b--c"),
                                     std::pair("models--gpt/snapshots/12ab", "gpt"),
                                     std::pair("other/snapshots/12ab", "12ab")}) {
    fs::create_directories(folder / cached);
    fs::copy(kClassics, folder / cached);
    EXPECT_EQ(Checkpoint::open(folder / cached).plan.name, name);
  }
}

TEST(Checkpoint, NeedsNoTokenizer) {
  const fs::path folder = fs::path(XLSTM_TEST_DATA) / "golden/large-plain";
  EXPECT_THAT(Checkpoint::open(folder).tokenizer_files, ::testing::IsEmpty());
}

const fs::path kPlain = fs::path(XLSTM_TEST_DATA) / "golden/large-plain";

// The weights' own file may say all that a folder does.
TEST(Checkpoint, OpensASingleFile) {
  const TemporaryFolder folder;
  const Checkpoint plain = Checkpoint::open(kPlain);
  const fs::path npz = folder.file("small.npz", as_npz(*plain.tensors, plain.config));
  const Checkpoint opened = Checkpoint::open(npz);
  EXPECT_EQ(opened.path, npz);
  EXPECT_EQ(opened.folder, folder.path());
  EXPECT_EQ(opened.config_file, npz);
  EXPECT_EQ(opened.config, plain.config);
  EXPECT_EQ(opened.plan.name, "small");
  EXPECT_EQ(opened.plan.parameter_count(), plain.plan.parameter_count());
  const fs::path torch = folder.file(
      "sub/model.ckpt",
      as_torch(*plain.tensors, pickled::dict({pickled::text("norm_eps"), pickled::real(0.25)})));
  for (const fs::path& path : {torch, folder / "sub"}) {
    const Checkpoint checkpoint = Checkpoint::open(path);
    EXPECT_EQ(checkpoint.plan.name, "sub");
    EXPECT_EQ(checkpoint.config, R"({"norm_eps":0.25})");
    EXPECT_EQ(checkpoint.config_file, torch);
  }
  folder.file("sub/config.json", plain.config);
  EXPECT_EQ(Checkpoint::open(torch).config, plain.config) << "what lies beside comes first";
}

// NX-AI's plain layout, as its package writes it.
TEST(Checkpoint, PlainLayoutWithYaml) {
  const TemporaryFolder folder;
  const fs::path golden = fs::path(XLSTM_TEST_DATA) / "golden/large-package-names";
  const Checkpoint wanted = Checkpoint::open(golden);
  fs::copy(golden / "model.safetensors", folder / "model_0.safetensors");
  folder.file("config.yaml", R"(embedding_dim: 128
num_heads: 4
num_blocks: 2
vocab_size: 160
use_bias: false
norm_eps: 1e-06
norm_reduction_force_float32: true
add_out_norm: true
qk_dim_factor: 0.5
v_dim_factor: 1.0
ffn_proj_factor: 2.667
ffn_round_up_to_multiple_of: 64
gate_soft_cap: 15.0
output_logit_soft_cap: 30.0
weight_mode: single
mode: train
)");
  const Checkpoint opened = Checkpoint::open(folder.path());
  EXPECT_EQ(opened.plan.family, "xlstm-large");
  EXPECT_EQ(opened.plan.dialect, "package");
  EXPECT_EQ(opened.plan.identity, wanted.plan.identity);
  EXPECT_EQ(opened.config_file.filename(), "config.yaml");
}

TEST(Checkpoint, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  message_of(ErrorKind::kFile, [&] { Checkpoint::open(folder.path()); });
  fs::copy(fs::path(XLSTM_TEST_DATA) / "golden/large-plain/model.safetensors",
           folder / "model.safetensors");
  EXPECT_THAT(message_of(ErrorKind::kFile, [&] { Checkpoint::open(folder.path()); }),
              ::testing::HasSubstr("weights that carry a config, got none"));
}

TEST(Checkpoint, InMemory) {
  const Checkpoint opened = Checkpoint::in_memory("made", R"({"vocab_size": 40})",
                                                  std::make_unique<FakeSource>(make_source()));
  EXPECT_EQ(opened.plan.name, "made");
  EXPECT_EQ(opened.plan.V, 40);
  EXPECT_EQ(opened.config, R"({"vocab_size": 40})");
  EXPECT_TRUE(opened.folder.empty());
  EXPECT_FALSE(opened.tensors->tensors().empty());
  EXPECT_THAT(message_of(ErrorKind::kModel,
                         [] {
                           Checkpoint::in_memory("made", R"({"vocab_size": 41})",
                                                 std::make_unique<FakeSource>(make_source()));
                         }),
              ::testing::HasSubstr("[made] "));
}

TEST(Checkpoint, OfAFamilyOfTheCallers) {
  auto source = std::make_unique<FakeSource>();
  source->add("embedding.weight", {4, 3}).add("lm_head.weight", {4, 3}).add("blocks.0.decay", {3});
  EXPECT_EQ(Checkpoint::in_memory("x", "{}", std::move(source), families_with_leaky()).plan.family,
            "leaky");
}

}  // namespace
}  // namespace xlstm::testing
