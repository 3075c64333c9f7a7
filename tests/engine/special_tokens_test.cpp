// Which tokens begin and end texts, from every file that may say so.
#include "xlstm/engine/special_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/generate/classics.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<TokenId>;

// The embedded model with other files. Its tokenizer has <|endoftext|> 0 and <|padding|> 1, which
// are special, and "!" 2, which is not.
class SpecialTokens : public ::testing::Test {
 protected:
  SpecialTokens() {
    fs::create_directory(model());
    for (const auto& entry : fs::directory_iterator(test::classics_folder())) {
      if (entry.path().extension() == ".safetensors" ||
          entry.path().filename() == "tokenizer.json" ||
          entry.path().filename() == "model.safetensors.index.json") {
        fs::create_symlink(entry.path(), model() / entry.path().filename());
      }
    }
    write("config.json", "{}");
  }

  fs::path model() const { return folder_.path() / "model"; }
  void write(const std::string& name, std::string_view text) const {
    folder_.file("model/" + name, text);
  }
  Plan plan() const { return discover(model(), *open_weights(model())); }
  Ids ends() const { return end_tokens(Tokenizer::open(model()), plan()); }
  std::optional<TokenId> begin() const { return begin_token(Tokenizer::open(model()), plan()); }

  TemporaryFolder folder_;
};

TEST_F(SpecialTokens, AGuessByNameComesLast) {
  EXPECT_EQ(ends(), Ids{0});
  EXPECT_EQ(begin(), 0);
  write("config.json", R"({"eos_token_id": 5, "bos_token_id": 6})");
  EXPECT_EQ(ends(), Ids{5});
  EXPECT_EQ(begin(), 6);
  write("special_tokens_map.json", R"({"eos_token": "<|padding|>", "bos_token": "!"})");
  EXPECT_EQ(ends(), Ids{1});
  EXPECT_EQ(begin(), 2);
}

TEST_F(SpecialTokens, AllFilesCountTogether) {
  write("tokenizer_config.json", R"({"eos_token": "<|im_end|>"})");  // new, beyond the model's rows
  write("config.json", R"({"eos_token_id": [1, 2]})");
  write("generation_config.json", R"({"eos_token_id": [1, 0, -1, 4096, 99999999999]})");
  EXPECT_EQ(ends(), (Ids{1, 0}));
  EXPECT_EQ(plan().eos_ids, (std::vector<std::int64_t>{1, 2, 0, 4096, 99999999999}));
  write("tokenizer_config.json", R"({"eos_token": "!"})");  // named, and so special
  EXPECT_EQ(ends(), (Ids{2, 1, 0}));
  EXPECT_EQ(Engine::open(model().string(), {.device = "cpu"}).end_ids(), (Ids{2, 1, 0}));
}

TEST_F(SpecialTokens, AnOrdinaryTokenOfAConfigCountsOnlyAlone) {
  write("config.json", R"({"eos_token_id": [2, 3]})");
  EXPECT_EQ(ends(), (Ids{2, 3}));
  write("generation_config.json", R"({"eos_token_id": 0})");
  EXPECT_EQ(ends(), Ids{0});
}

TEST_F(SpecialTokens, GenerationConfigAlone) {
  write("generation_config.json", R"({"eos_token_id": 1, "bos_token_id": 3, "pad_token_id": 4})");
  EXPECT_EQ(ends(), Ids{1});
  EXPECT_EQ(begin(), 3);
  EXPECT_EQ(plan().pad_id, 4);
}

TEST_F(SpecialTokens, NoneWhereNoneIsSaid) {
  write("tokenizer_config.json", R"({"eos_token": null, "bos_token": null})");
  EXPECT_EQ(ends(), Ids{});
  EXPECT_EQ(begin(), std::nullopt);
}

TEST_F(SpecialTokens, AMalformedGenerationConfigIsAnError) {
  for (const char* text : {"", "[]", R"({"eos_token_id": "x"})", "{\"eos_token_id\": 1"}) {
    write("generation_config.json", text);
    try {
      plan();
      ADD_FAILURE() << text << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("generation_config.json"));
    }
  }
}

}  // namespace
}  // namespace xlstm
