// One engine used by several threads at once, each in another way: they take turns, and each gets
// what it would get alone.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "tests/engine/classics_engine.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/batch.h"

namespace xlstm {
namespace {

using test::greedy;
using Ids = std::vector<std::int32_t>;

constexpr std::int64_t kTokens = 10;
constexpr int kRounds = 3;
const std::vector<std::string> kPrompts = {"It was a dark night and", "Once upon a time",
                                           "The old man said", "She was"};

class SharedEngine : public ::testing::Test {
 protected:
  SharedEngine() {
    for (const std::string& prompt : kPrompts) {
      alone_[prompt] = engine_.complete(greedy(prompt, kTokens)).tokens;
    }
    text_ = engine_.tokenizer().encode(test::book("alice.txt").substr(0, 600));
    scores_ = engine_.score(text_);
  }

  // Runs all at once, each in a thread of its own; all begin together.
  static void at_once(const std::vector<std::function<void()>>& calls) {
    std::barrier<> begin(static_cast<std::ptrdiff_t>(calls.size()));
    std::vector<std::thread> threads;
    for (const auto& call : calls) {
      threads.emplace_back([&begin, &call] {
        begin.arrive_and_wait();
        for (int round = 0; round < kRounds; ++round) call();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void complete(const std::string& prompt) const {
    std::string text;
    const Completion out = engine_.complete(greedy(prompt, kTokens), [&](std::string_view piece) {
      text += piece;
      return true;
    });
    EXPECT_EQ(out.tokens, alone_.at(prompt));
    EXPECT_EQ(out.text, text);
  }

  void go_on(Session session, const std::string& prompt) const {
    Session fork = session;
    Ids tokens = fork.complete(greedy("", kTokens / 2)).tokens;
    session = fork;
    const Ids more = session.complete(greedy("", kTokens - kTokens / 2)).tokens;
    tokens.insert(tokens.end(), more.begin(), more.end());
    EXPECT_EQ(tokens, alone_.at(prompt));
  }

  void score() const { EXPECT_EQ(engine_.score(text_), scores_); }

  void step_batch() const {
    Batch batch = engine_.batch({.max_rows = 3});
    std::map<Batch::Row, std::string> prompts;
    for (const std::string& prompt : kPrompts) {
      prompts[batch.add(engine_.sequence(greedy(prompt, kTokens)))] = prompt;
    }
    batch.run([&](const Batch::Finished& finished) {
      ASSERT_FALSE(finished.error);
      EXPECT_EQ(finished.sequence->result().tokens, alone_.at(prompts.at(finished.row)));
    });
  }

  const Engine engine_ = Engine::open(test::classics_folder().string(),
                                      {.dtype = "float32", .device = "cpu", .threads = 2});
  std::map<std::string, Ids> alone_;
  Ids text_;
  std::vector<float> scores_;
};

TEST_F(SharedEngine, AnswersSessionsScoresAndBatchesBesideEachOther) {
  Session session = engine_.session();
  session.read(kPrompts[1]);
  at_once({[&] { complete(kPrompts[0]); }, [this, session] { go_on(session, kPrompts[1]); },
           [&] { score(); }, [&] { step_batch(); }});
}

// Forks of one session share memory until one of them reads on.
TEST_F(SharedEngine, ForksOfOneSession) {
  Session session = engine_.session();
  session.read(kPrompts[2]);
  const std::vector<float> logits = session.next_logits();
  const auto one = [this, session] { go_on(session, kPrompts[2]); };
  at_once({one, one, one, [session, logits] { EXPECT_EQ(session.next_logits(), logits); }});
}

// Rows come from two threads, one of them from sessions, while a third steps and a fourth reads
// what was handed over.
TEST_F(SharedEngine, ABatchIsFedByOthers) {
  Batch batch = engine_.batch({.max_rows = 4});
  std::mutex mutex;
  std::map<Batch::Row, std::string> prompts;
  std::atomic<int> feeding = 2;
  std::vector<Batch::Finished> finished;  // guarded by mutex
  const auto feed = [&](const std::function<Batch::Row(const std::string&)>& add) {
    for (int i = 0; i < 6; ++i) {
      const std::string& prompt = kPrompts[static_cast<std::size_t>(i) % kPrompts.size()];
      const std::lock_guard lock(mutex);
      prompts[add(prompt)] = prompt;
    }
    --feeding;
  };
  std::thread engines([&] {
    feed([&](const std::string& prompt) {
      return batch.add([this, prompt] { return engine_.sequence(greedy(prompt, kTokens)); });
    });
  });
  std::thread sessions([&] {
    feed([&](const std::string& prompt) {
      Session session = engine_.session();
      session.read(prompt);
      return batch.add(session.sequence(greedy("", kTokens)));
    });
  });
  std::atomic<bool> stepping = true;
  std::size_t compared = 0;
  std::thread reading([&] {
    bool last = false;
    while (!last) {
      last = !stepping;
      std::vector<Batch::Finished> taken;
      const std::lock_guard lock(mutex);
      taken.swap(finished);
      for (const Batch::Finished& each : taken) {
        ASSERT_FALSE(each.error);
        EXPECT_EQ(each.sequence->result().tokens, alone_.at(prompts.at(each.row)));
        ++compared;
      }
    }
  });
  bool more = true;
  while (more) {
    const bool fed = feeding == 0;
    more = batch.step() || !fed;
    for (Batch::Finished& each : batch.take_finished()) {
      const std::lock_guard lock(mutex);
      finished.push_back(std::move(each));
    }
  }
  stepping = false;
  engines.join();
  sessions.join();
  reading.join();
  EXPECT_EQ(compared, 12U);
}

}  // namespace
}  // namespace xlstm
