#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "xlstm/base/error.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {
namespace {

std::string added(int id, const std::string& content) {
  return R"({"id":)" + std::to_string(id) + R"(,"content":")" + content +
         R"(","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true})";
}

// "a" and "b" are 0 and 1; <s>, </s>, <|endoftext|> are 2, 3, 4.
std::string file(const std::string& post_processor = "null") {
  return R"({"version":"1.0","added_tokens":[)" + added(2, "<s>") + "," + added(3, "</s>") + "," +
         added(4, "<|endoftext|>") + R"(],"post_processor":)" + post_processor +
         R"(,"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}})";
}

constexpr const char* kTemplate =
    R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},)"
    R"({"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>",)"
    R"("ids":[2],"tokens":["<s>"]}}})";

Tokenizer with(const std::string& config, const std::string& post_processor = "null") {
  return Tokenizer::parse(file(post_processor), config, "test");
}

using Ids = std::vector<TokenId>;

Ids encoded(const std::string& config, const std::string& post_processor = "null") {
  return with(config, post_processor).encode("ab", {.add_special_tokens = true});
}

TEST(TokenizerConfig, NamesAsTextsOrObjects) {
  const Tokenizer tokenizer = with(
      R"({"bos_token":"<|endoftext|>","eos_token":{"content":"</s>","lstrip":false},"pad_token":null})");
  EXPECT_EQ(tokenizer.bos_id(), 4);
  EXPECT_EQ(tokenizer.eos_id(), 3);
  EXPECT_EQ(tokenizer.pad_id(), std::nullopt);
}

TEST(TokenizerConfig, WellKnownNamesWithoutOne) {
  const Tokenizer tokenizer = with("");
  EXPECT_EQ(tokenizer.bos_id(), 2);
  EXPECT_EQ(tokenizer.eos_id(), 3);
  EXPECT_EQ(tokenizer.pad_id(), std::nullopt);
}

TEST(TokenizerConfig, NamesThatTheVocabularyLacks) {
  const Tokenizer tokenizer = with(R"({"bos_token":"[BOS]","eos_token":"[EOS]"})");
  EXPECT_EQ(tokenizer.bos_id(), std::nullopt);
  EXPECT_EQ(tokenizer.eos_id(), std::nullopt);
}

TEST(TokenizerConfig, SwitchesOverrideTheTemplate) {
  EXPECT_EQ(encoded("{}"), (Ids{0, 1}));
  EXPECT_EQ(encoded(R"({"add_bos_token":true})"), (Ids{2, 0, 1}));
  EXPECT_EQ(encoded(R"({"add_bos_token":true,"add_eos_token":true})"), (Ids{2, 0, 1, 3}));
  EXPECT_EQ(encoded(R"({"add_bos_token":false})"), (Ids{0, 1}));
  EXPECT_EQ(encoded("{}", kTemplate), (Ids{2, 0, 1}));
  EXPECT_EQ(encoded(R"({"add_bos_token":true})", kTemplate), (Ids{2, 0, 1}));
  EXPECT_EQ(encoded(R"({"add_bos_token":false})", kTemplate), (Ids{0, 1}));
  EXPECT_EQ(encoded(R"({"add_eos_token":true})", kTemplate), (Ids{2, 0, 1, 3}));
  EXPECT_EQ(with(R"({"add_bos_token":true})").encode("ab"), (Ids{0, 1}));  // not asked for
}

TEST(TokenizerConfig, MalformedOnesAreErrors) {
  for (const char* config : {"[]", "{", R"({"bos_token":7})", R"({"bos_token":{"text":"<s>"}})",
                             R"({"add_bos_token":"yes"})", R"({"eos_token":["</s>"]})"}) {
    try {
      with(config);
      ADD_FAILURE() << config << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat) << config;
      EXPECT_NE(std::string(error.what()).find("tokenizer_config.json"), std::string::npos);
    }
  }
}

class TokenizerFolder : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) / (std::string("xlstm_") + test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  std::filesystem::path folder_;
};

TEST_F(TokenizerFolder, IsReadWithItsConfig) {
  write("tokenizer.json", file());
  write("tokenizer_config.json", R"({"eos_token":"<|endoftext|>"})");
  EXPECT_EQ(Tokenizer::open(folder_).eos_id(), 4);
  EXPECT_EQ(Tokenizer::open(folder_ / "tokenizer.json").eos_id(), 4);
}

TEST_F(TokenizerFolder, NeedsNoConfig) {
  write("tokenizer.json", file());
  EXPECT_EQ(Tokenizer::open(folder_).eos_id(), 3);
}

TEST_F(TokenizerFolder, WithoutTokenizerIsAnError) {
  try {
    Tokenizer::open(folder_);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_NE(std::string(error.what()).find("tokenizer.json"), std::string::npos);
  }
}

TEST_F(TokenizerFolder, EmptyFileIsAnError) {
  write("tokenizer.json", "");
  EXPECT_THROW(Tokenizer::open(folder_), Error);
}

}  // namespace
}  // namespace xlstm
