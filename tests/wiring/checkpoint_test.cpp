#include "xlstm/wiring/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/expect_error.h"
#include "tests/support/fake_source.h"
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

TEST(Checkpoint, SaysWhatIsMissing) {
  const TemporaryFolder folder;
  message_of(ErrorKind::kFile, [&] { Checkpoint::open(folder.path()); });
  fs::copy(fs::path(XLSTM_TEST_DATA) / "golden/large-plain/model.safetensors",
           folder / "model.safetensors");
  EXPECT_THAT(message_of(ErrorKind::kFile, [&] { Checkpoint::open(folder.path()); }),
              ::testing::HasSubstr("wanted a file config.json, got none"));
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
