// Two engines in two threads at once: what becomes of one is nothing to the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <functional>
#include <optional>
#include <thread>

#include "tests/engine/classics_engine.h"
#include "tests/engine/damaged_model.h"
#include "tests/engine/failing_allocations.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"

namespace xlstm {
namespace {

using test::greedy;
using ::testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

const std::string kPrompt = "It was a dark night and", kOther = "The old man said";
constexpr std::int64_t kTokens = 24;

Engine open(std::size_t threads, const std::string& folder = test::classics_folder().string()) {
  EngineOptions options = {.dtype = "float32", .device = "cpu"};
  options.threads = threads;
  return Engine::open(folder, options);
}

// What an engine answers that is alone.
const Completion& alone(const std::string& prompt) {
  static const Engine engine = open(1);
  static const Completion first = engine.complete(greedy(kPrompt, kTokens)),
                          second = engine.complete(greedy(kOther, kTokens));
  return prompt == kPrompt ? first : second;
}

class TwoEngines : public ::testing::Test {
 protected:
  TwoEngines() { alone(kPrompt); }

  // Waits for the other thread, once: both are then at work.
  void meet() { both_.arrive_and_wait(); }

  // Answers with `engine`, meets the other thread at the first text, and wants what a lone engine
  // answers.
  void complete(const Engine& engine, const std::string& prompt) {
    bool met = false;
    const Completion out = engine.complete(greedy(prompt, kTokens), [&](std::string_view) {
      if (!met) meet();
      return met = true;
    });
    EXPECT_EQ(out.tokens, alone(prompt).tokens);
    EXPECT_EQ(out.text, alone(prompt).text);
    EXPECT_EQ(out.stop_reason, StopReason::kMaxTokens);
  }

  // One engine answers, in a thread of its own, while `other` goes on from meet() here.
  void while_one_completes(const std::function<void()>& other) {
    const Engine engine = open(2);
    std::thread thread([&] { complete(engine, kPrompt); });
    other();
    thread.join();
    // And neither is worse for it.
    EXPECT_EQ(engine.complete(greedy(kOther, kTokens)).tokens, alone(kOther).tokens);
  }

  template <typename Call>
  static std::string refusal(ErrorKind kind, const Call& call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      return error.what();
    }
    return "accepted";
  }

 private:
  std::barrier<> both_{2};
};

TEST_F(TwoEngines, BothAnswer) {
  const Engine other = open(1);
  for (int round = 0; round < 3; ++round) {
    while_one_completes([&] { complete(other, kOther); });
  }
}

TEST_F(TwoEngines, OneIsOpenedWhileTheOtherAnswers) {
  while_one_completes([&] {
    meet();
    const Engine other = open(2);
    EXPECT_EQ(other.complete(greedy(kOther, kTokens)).tokens, alone(kOther).tokens);
  });
}

TEST_F(TwoEngines, OneIsCancelled) {
  const Engine other = open(2);
  while_one_completes([&] {
    Request request = greedy(kOther, kTokens);
    int asked = 0;
    request.cancelled = [&] {
      if (++asked == 2) meet();
      return asked == 6;
    };
    const Completion out = other.complete(request);
    EXPECT_EQ(out.stop_reason, StopReason::kCancelled);
    const Ids& whole = alone(kOther).tokens;
    ASSERT_LT(out.tokens.size(), whole.size());
    EXPECT_TRUE(std::equal(out.tokens.begin(), out.tokens.end(), whole.begin()));
  });
  EXPECT_EQ(other.complete(greedy(kOther, kTokens)).tokens, alone(kOther).tokens);
}

TEST_F(TwoEngines, OneIsRefusedForMemory) {
  while_one_completes([&] {
    meet();
    EngineOptions options = {.device = "cpu"};
    options.hard_memory_limit = 1 << 20;
    for (int i = 0; i < 3; ++i) {
      EXPECT_THAT(refusal(ErrorKind::kMemory,
                          [&] { Engine::open(test::classics_folder().string(), options); }),
                  HasSubstr("limit of 1"));
    }
  });
}

TEST_F(TwoEngines, OneHasWeightsThatAreNotFinite) {
  const test::DamagedModel model;
  model.damage("backbone.out_norm.weight", 7, 0x7FC0);
  const Engine other = open(2, model.path().string());
  while_one_completes([&] {
    meet();
    for (int i = 0; i < 3; ++i) {
      EXPECT_THAT(refusal(ErrorKind::kModel, [&] { other.complete(greedy(kOther, kTokens)); }),
                  HasSubstr("finite logits"));
    }
  });
}

TEST_F(TwoEngines, OneHasNoMemoryLeft) {
  const Engine other = open(2);
  while_one_completes([&] {
    meet();
    int failed = 0;  // one allocation after the other, until there is none left to fail
    do {
      test::fail_allocation(failed);
      refusal(ErrorKind::kMemory, [&] { other.complete(greedy(kOther, 2)); });
    } while (test::fail_none() && ++failed < 1000);
    EXPECT_GT(failed, 3);
    EXPECT_LT(failed, 1000);
  });
  EXPECT_EQ(other.complete(greedy(kOther, kTokens)).tokens, alone(kOther).tokens);
}

// Sessions of one engine, each used by one thread after the other, beside another engine's.
TEST_F(TwoEngines, SessionsGoOnBesideEachOther) {
  const Engine other = open(1);
  const auto in_parts = [](const Engine& engine, const std::string& prompt,
                           const std::function<void()>& between) {
    Session session = engine.session();
    session.read(prompt);
    between();
    Ids tokens;
    for (int part = 0; part < 4; ++part) {
      Session fork = session;
      const Ids more = fork.complete(greedy("", kTokens / 4)).tokens;
      tokens.insert(tokens.end(), more.begin(), more.end());
      session = fork;
    }
    EXPECT_EQ(tokens, alone(prompt).tokens);
  };
  const Engine engine = open(2);
  std::thread thread([&] { in_parts(engine, kPrompt, [&] { meet(); }); });
  in_parts(other, kOther, [&] { meet(); });
  thread.join();
}

}  // namespace
}  // namespace xlstm
