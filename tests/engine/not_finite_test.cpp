// Weights that are no numbers: told with their place, never answered with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/classics_engine.h"
#include "tests/engine/damaged_model.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/perplexity.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {
namespace {

using test::greedy;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

constexpr std::uint16_t kNan = 0x7FC0;  // bfloat16
constexpr std::uint64_t kWidth = 256;
constexpr TokenId kAnyToken = 2000;

class NotFinite : public ::testing::Test {
 protected:
  void damage(const std::string& tensor, std::uint64_t element, std::uint16_t value) const {
    model_.damage(tensor, element, value);
  }
  Engine open() const { return Engine::open(model_.path().string(), {.device = "cpu"}); }

  template <typename Call>
  static std::string refusal(const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kModel) << error.what();
      return error.what();
    }
    return "accepted";
  }

  test::DamagedModel model_;
};

TEST_F(NotFinite, ANormIsToldAfterThePrompt) {
  damage("backbone.out_norm.weight", 7, kNan);
  const Engine engine = open();
  const auto tokens = engine.tokenizer().encode("Once upon a time").size() + 1;
  for (const std::int64_t wanted : {0, 1, 20}) {
    EXPECT_THAT(refusal([&] { engine.complete(greedy("Once upon a time", wanted)); }),
                AllOf(HasSubstr(str("wanted finite logits after ", tokens, " tokens, got")),
                      HasSubstr("nan")));
  }
}

TEST_F(NotFinite, OneRowOfTheHeadIsEnough) {
  damage("lm_head.weight", kAnyToken * kWidth, kNan);
  const Engine engine = open();
  EXPECT_THAT(refusal([&] { engine.complete(greedy("Once", 5)); }), HasSubstr("finite logits"));
  EXPECT_THAT(refusal([&] {
                perplexity(engine.model(), {0, 10, 11});
              }),
              AllOf(HasSubstr("near token 1:"), HasSubstr("nan")));
}

TEST_F(NotFinite, ATokenSOwnRowIsToldWhenItWasRead) {
  const Engine sound = open();
  const auto answer = sound.complete(greedy("Once upon a time", 6)).tokens;
  std::size_t first_new = 1;  // the second token chosen, or the first that is not in the prompt
  const auto prompt = sound.tokenizer().encode("Once upon a time");
  while (std::count(prompt.begin(), prompt.end(), answer[first_new]) > 0) ++first_new;
  ASSERT_LT(first_new, answer.size() - 1);
  const std::size_t read =
      static_cast<std::size_t>(std::find(answer.begin(), answer.end(), answer[first_new]) -
                               answer.begin()) +
      1;  // tokens of the answer until then

  damage("backbone.embeddings.weight", static_cast<std::uint64_t>(answer[first_new]) * kWidth,
         kNan);
  const Engine engine = open();
  Session session = engine.session();
  session.read("");
  std::string shown;
  EXPECT_THAT(refusal([&] {
                session.complete(greedy("Once upon a time", 6), [&](std::string_view text) {
                  shown += text;
                  return true;
                });
              }),
              HasSubstr(str("after ", 1 + prompt.size() + read, " tokens")));
  EXPECT_FALSE(shown.empty());        // the answer up to there
  EXPECT_EQ(session.position(), 1U);  // and the session as it was
}

TEST_F(NotFinite, PerplexityNamesTheChunkWithoutALikelihood) {
  damage("backbone.embeddings.weight", kAnyToken * kWidth, kNan);
  const Engine engine = open();
  std::vector<TokenId> ids(200, 10);
  EXPECT_GT(perplexity(engine.model(), ids).perplexity, 0);
  ids[150] = kAnyToken;
  EXPECT_THAT(refusal([&] { perplexity(engine.model(), ids, {}, 64); }),
              ContainsRegex("near token 1[2-5][0-9]:"));  // of tokens 129 to 151
}

}  // namespace
}  // namespace xlstm
