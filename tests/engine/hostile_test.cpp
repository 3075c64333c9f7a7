// Folders that are no sound model: each is refused with one line, before anything is loaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/generate/classics.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A copy of the embedded model to damage.
class Hostile : public ::testing::Test {
 protected:
  Hostile() { fs::copy(test::classics_folder(), model(), fs::copy_options::recursive); }

  fs::path model() const { return folder_.path() / "model"; }
  void replace(const std::string& name, std::string_view text) {
    folder_.file("model/" + name, text);
  }

  std::string refusal(std::initializer_list<ErrorKind> kinds) const {
    try {
      Engine::open(model().string(), {.device = "cpu"});
    } catch (const Error& error) {
      EXPECT_THAT(kinds, ::testing::Contains(error.kind())) << error.what();
      return error.what();
    }
    return "accepted";
  }

  TemporaryFolder folder_;
};

TEST_F(Hostile, UntouchedCopyOpens) {
  EXPECT_EQ(refusal({}), "accepted");
}

TEST_F(Hostile, MissingFolder) {
  fs::remove_all(model());
  EXPECT_THAT(refusal({ErrorKind::kFile}), HasSubstr("wanted a model folder"));
}

TEST_F(Hostile, EmptyFolder) {
  fs::remove_all(model());
  fs::create_directory(model());
  EXPECT_THAT(refusal({ErrorKind::kFile}), HasSubstr(model().string()));
}

TEST_F(Hostile, FolderWithoutConfig) {
  fs::remove(model() / "config.json");
  EXPECT_THAT(refusal({ErrorKind::kFile}), HasSubstr("config.json"));
}

TEST_F(Hostile, ConfigThatIsNoJson) {
  replace("config.json", "{\"embedding_dim\": 256,");
  EXPECT_THAT(refusal({ErrorKind::kFormat}), HasSubstr("config.json"));
}

TEST_F(Hostile, TruncatedShard) {
  fs::resize_file(model() / "model-00002-of-00002.safetensors", 1'000'000);
  EXPECT_THAT(refusal({ErrorKind::kFormat}), HasSubstr("model-00002-of-00002.safetensors"));
}

TEST_F(Hostile, IndexThatNamesAMissingFile) {
  fs::remove(model() / "model-00002-of-00002.safetensors");
  EXPECT_THAT(refusal({ErrorKind::kFile, ErrorKind::kFormat}),
              HasSubstr("model-00002-of-00002.safetensors"));
}

TEST_F(Hostile, IndexThatPointsOutsideTheFolder) {
  replace("model.safetensors.index.json",
          R"({"weight_map": {"lm_head.weight": "../../etc/passwd"}})");
  EXPECT_THAT(refusal({ErrorKind::kFormat}), HasSubstr("passwd"));
}

TEST_F(Hostile, EmptyTokenizerFile) {
  replace("tokenizer.json", "");
  EXPECT_THAT(refusal({ErrorKind::kFormat}), HasSubstr("tokenizer.json"));
}

TEST_F(Hostile, TokenizerWithoutTokens) {
  replace("tokenizer.json", R"({"version": "1.0", "added_tokens": [], "normalizer": null,
    "pre_tokenizer": null, "post_processor": null, "decoder": null,
    "model": {"type": "BPE", "vocab": {}, "merges": []}})");
  replace("tokenizer_config.json", "{}");
  EXPECT_THAT(refusal({ErrorKind::kModel, ErrorKind::kFormat}), HasSubstr("tokenizer.json"));
}

TEST_F(Hostile, TokenizerWinsOverTheConfigSEndToken) {
  std::string text = whole_file(test::classics_folder() / "config.json");
  const auto at = text.find("\"eos_token_id\": 0");
  ASSERT_NE(at, std::string::npos);
  replace("config.json", text.replace(at, 17, "\"eos_token_id\": 2"));
  EXPECT_EQ(Engine::open(model().string(), {.device = "cpu"}).end_ids(),
            std::vector<std::int32_t>{0});
}

}  // namespace
}  // namespace xlstm
