// A prompt's way to tokens: special tokens in it, penalties, the time a long one takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/engine/classics_engine.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {
namespace {

using test::engine;
using test::greedy;
using ::testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

constexpr std::int32_t kBos = 0, kPadding = 1, kOther = 500;

std::int64_t prompt_tokens(const std::string& prompt, bool parse_special) {
  Request request = greedy(prompt, 0);
  request.parse_special = parse_special;
  return engine().complete(request).statistics.prompt_tokens;
}

TEST(Prompt, SpecialTokensInItAreTextUnlessAskedFor) {
  const std::string prompt = "a<|endoftext|>b<|padding|>";
  const auto spelled = engine().tokenizer().encode(prompt, {.parse_special_tokens = false}).size();
  EXPECT_GT(spelled, 8U);
  EXPECT_EQ(prompt_tokens(prompt, false), static_cast<std::int64_t>(spelled) + 1);
  EXPECT_EQ(prompt_tokens(prompt, true), 5);  // BOS, a, end, b, padding
}

TEST(Prompt, ASessionReadsThemTheSameWay) {
  Session plain = engine().session(), parsed = engine().session();
  plain.read("<|padding|>");
  EXPECT_GT(plain.position(), 4U);
  parsed.read("<|padding|>", true, true);
  EXPECT_EQ(parsed.position(), 2U);
}

// The likeliest token is BOS until it counts as seen.
Request likes_bos(const std::string& prompt) {
  Request request = greedy(prompt, 1);
  request.logit_bias = {{kBos, 1000.0F}, {kOther, 900.0F}};
  request.parse_special = true;
  return request;
}

TEST(Prompt, PenaltiesDoNotCountTheBosPutFirst) {
  const auto first = [](const Request& request) { return engine().complete(request).tokens; };
  for (float Request::*penalty :
       {&Request::presence_penalty, &Request::frequency_penalty, &Request::repetition_penalty}) {
    Request own = likes_bos("Once upon"), written = likes_bos("<|endoftext|>Once upon");
    own.*penalty = written.*penalty = 500.0F;
    EXPECT_EQ(first(own), Ids{kBos});
    EXPECT_EQ(first(written), Ids{kOther});  // the text's own counts
    own.prompt = "Once<|endoftext|> upon";
    EXPECT_EQ(first(own), Ids{kOther});
  }
}

TEST(Prompt, EndTokensOfTheRequestEndItToo) {
  Request request = greedy("The end.", 5);  // not at the model's own
  request.logit_bias = {{kOther, 1000.0F}};
  request.end_tokens = {7, kOther};
  const Completion out = engine().complete(request);
  EXPECT_EQ(out.tokens, Ids{kOther});
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(out.stop_reason, StopReason::kEndToken);
  request.stop_at_end_token = true;
  EXPECT_EQ(engine().complete(request).tokens, Ids{kOther});
  request.logit_bias = {{kBos, 1000.0F}};
  EXPECT_EQ(engine().complete(request).tokens, Ids{kBos});
  for (const std::int32_t id : {-1, 4096}) {
    request.end_tokens = {id};
    try {
      engine().complete(request);
      ADD_FAILURE() << id << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_THAT(error.what(), HasSubstr("[end_tokens] wanted token ids in [0, 4096)"));
    }
  }
}

TEST(Prompt, AStopStringIsMetByASpecialToken) {
  Request request = greedy("The end.", 6);
  request.logit_bias = {{kPadding, 1000.0F}};
  EXPECT_EQ(engine().complete(request).tokens, Ids(6, kPadding));
  request.stop = {"<|padding|>"};
  const Completion out = engine().complete(request);
  EXPECT_EQ(out.tokens, Ids{kPadding});
  EXPECT_EQ(out.text, "");
  EXPECT_EQ(out.stop_reason, StopReason::kStopString);
}

std::string two_megabytes() {
  const std::string book = test::book("alice.txt");
  std::string text;
  while (text.size() < (2U << 20)) text += book;
  return text;
}

TEST(Prompt, ALongOneCanBeCancelledWhileItIsTokenised) {
  Session session = engine().session();
  session.read("Once upon a time");
  const std::uint64_t position = session.position();
  Request request = greedy(two_megabytes(), 5);
  request.seed = 7;
  int asked = 0;
  std::vector<double> told;
  request.cancelled = [&] { return ++asked == 3; };
  request.on_prompt_progress = [&](double share) { told.push_back(share); };
  const Completion out = session.complete(request);
  EXPECT_EQ(out.stop_reason, StopReason::kCancelled);
  EXPECT_EQ(asked, 3);
  EXPECT_TRUE(out.tokens.empty());
  EXPECT_EQ(out.statistics.prompt_tokens, 0);
  EXPECT_EQ(out.seed, 7U);
  EXPECT_EQ(session.position(), position);
  ASSERT_EQ(told.size(), 3U);
  EXPECT_LT(told.back(), 0.01);  // no part of it had been read
}

struct Stopped {};

TEST(Prompt, WhatIsThrownWhileItIsTokenisedPasses) {
  Session session = engine().session();
  Request request = greedy(two_megabytes(), 5);
  request.on_prompt_progress = [](double) { throw Stopped(); };
  EXPECT_THROW(session.complete(request), Stopped);
  EXPECT_EQ(session.position(), 0U);
}

TEST(Prompt, TheShareToldNeverFalls) {
  Request request = greedy(two_megabytes().substr(0, 200'000), 0);
  std::vector<double> told;
  request.on_prompt_progress = [&](double share) { told.push_back(share); };
  std::size_t calls = 0;
  request.cancelled = [&] { return ++calls == 12; };  // far into the reading
  engine().complete(request);
  ASSERT_GE(told.size(), 12U);
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_GT(told.back(), 0.01);
}

}  // namespace
}  // namespace xlstm
