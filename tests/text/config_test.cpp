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

// They come after those of the vocabulary, as in the reference: see special_tokens.json.
TEST(TokenizerConfig, NamesThatTheVocabularyLacksAreTokens) {
  const Tokenizer tokenizer = with(R"({"bos_token":"[BOS]","eos_token":"[EOS]"})");
  EXPECT_EQ(tokenizer.bos_id(), 5);
  EXPECT_EQ(tokenizer.eos_id(), 6);
  EXPECT_EQ(tokenizer.encode("a[EOS]b"), (Ids{0, 6, 1}));
  EXPECT_EQ(tokenizer.decode(Ids{0, 6, 1}), "a b");
}

TEST(TokenizerConfig, GuessedIdsAreNotNamedOnes) {
  EXPECT_EQ(with("").named_bos_id(), std::nullopt);
  EXPECT_TRUE(with("").named_end_ids().empty());
  const Tokenizer tokenizer = with(R"({"bos_token":"b","eos_token":"a"})");
  EXPECT_EQ(tokenizer.named_bos_id(), 1);
  EXPECT_EQ(tokenizer.named_end_ids(), Ids{0});
}

TEST(TokenizerConfig, TheEndsOfBothFilesCount) {
  const std::string config = R"({"eos_token":"</s>","added_tokens_decoder":{}})";
  const std::string map = R"({"eos_token":{"content":"<|endoftext|>"},"pad_token":"a"})";
  const Tokenizer tokenizer = Tokenizer::parse(file(), config, "test", map);
  EXPECT_EQ(tokenizer.eos_id(), 3);
  EXPECT_EQ(tokenizer.named_end_ids(), (Ids{3, 4}));
  EXPECT_EQ(tokenizer.pad_id(), 0);  // only named there
}

TEST(TokenizerConfig, ASingleToken) {
  const Tokenizer tokenizer = with(R"({"eos_token":"<|im_end|>"})");
  EXPECT_EQ(tokenizer.single_token("<|im_end|>"), 5);
  EXPECT_EQ(tokenizer.single_token("b"), 1);
  EXPECT_EQ(tokenizer.single_token("ab"), std::nullopt);
  EXPECT_EQ(tokenizer.single_token("</s></s>"), std::nullopt);
  EXPECT_EQ(tokenizer.single_token(""), std::nullopt);
}

TEST(TokenizerConfig, HiddenTokensInAText) {
  const Tokenizer tokenizer = with(R"({"eos_token":"<|im_end|>"})");
  const std::string text = "a</s><|im_end|>\n<|im_";
  std::vector<std::pair<std::string, std::optional<TokenId>>> parts;
  for (const TextOrToken& part : tokenizer.split_hidden(text)) {
    parts.emplace_back(part.text, part.token);
  }
  EXPECT_EQ(parts,
            (decltype(parts){
                {"a", std::nullopt}, {"</s>", 3}, {"<|im_end|>", 5}, {"\n<|im_", std::nullopt}}));
  EXPECT_TRUE(tokenizer.is_hidden(5));
  EXPECT_FALSE(tokenizer.is_hidden(0));
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
  for (const char* config :
       {"[]", "{", R"({"bos_token":7})", R"({"bos_token":{"text":"<s>"}})",
        R"({"add_bos_token":"yes"})", R"({"eos_token":["</s>"]})",
        R"({"extra_special_tokens":"<x>"})", R"({"image_token":{}})",
        R"({"additional_special_tokens":[7]})",
        R"({"added_tokens_decoder":{"x":{"content":"<x>"}}})",
        R"({"added_tokens_decoder":{"5":"<x>"}})", R"({"added_tokens_decoder":[]})"}) {
    try {
      with(config);
      ADD_FAILURE() << config << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat) << config;
      EXPECT_NE(std::string(error.what()).find("tokenizer_config.json"), std::string::npos);
    }
  }
}

TEST(TokenizerConfig, AMalformedMapIsAnError) {
  for (const char* map : {"[]", "{", R"({"bos_token":7})", R"({"eos_token":{"text":"<s>"}})"}) {
    try {
      Tokenizer::parse(file(), "", "test", map);
      ADD_FAILURE() << map << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat) << map;
      EXPECT_NE(std::string(error.what()).find("special_tokens_map.json"), std::string::npos);
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

TEST_F(TokenizerFolder, IsReadWithItsMapOfSpecialTokens) {
  write("tokenizer.json", file());
  write("special_tokens_map.json", R"({"eos_token":"<|endoftext|>","bos_token":"[BOS]"})");
  EXPECT_EQ(Tokenizer::open(folder_).eos_id(), 4);
  EXPECT_EQ(Tokenizer::open(folder_).bos_id(), 5);
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
