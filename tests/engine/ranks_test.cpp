// An engine of a model that is divided among ranks, each a thread: states, forks, batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/engine/classics_engine.h"
#include "tests/support/as_ranks.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/generate/batch.h"

namespace xlstm::testing {
namespace {

using test::greedy;
using ::testing::Each;
using ::testing::HasSubstr;

EngineOptions options_of(const std::shared_ptr<Group>& group) {
  EngineOptions options = {.dtype = "float32", .device = "cpu"};
  options.threads = 1;
  options.group = group;
  return options;
}

class EngineOfRanks : public ::testing::Test {
 protected:
  // As so many ranks; what each returns.
  template <typename Use>
  std::vector<std::string> as_engines(int size, const Use& use) const {
    std::vector<std::string> out(static_cast<std::size_t>(size));
    as_ranks(size, [&](const std::shared_ptr<Group>& group) {
      const Engine engine = Engine::open(test::classics_folder().string(), options_of(group));
      out[static_cast<std::size_t>(group->rank())] = use(engine);
    });
    return out;
  }
  std::filesystem::path file(const std::string& name) const { return scratch_.path() / name; }

  TemporaryFolder scratch_;
};

TEST_F(EngineOfRanks, SessionsAreSavedLoadedAndForked) {
  const auto talk = [&](const Engine& engine, const std::string& load, const std::string& save) {
    Session session = engine.session();
    session.load(file(load));
    Session fork = session;
    std::string text = fork.complete(greedy(" a queen", 12)).text;
    text += "|" + session.complete(greedy(" a king", 12)).text;
    session.save(file(save));
    return text;
  };
  {
    Session session = test::engine().session();
    session.read("Once upon a time there was");
    session.save(file("start"));
  }
  const std::string wanted = talk(test::engine(), "start", "1");
  Session after_one = test::engine().session();
  after_one.load(file("1"));
  const std::string end = after_one.complete(greedy(" and", 12)).text;
  for (const int size : {2, 4}) {
    const std::string saved = std::to_string(size);
    EXPECT_THAT(
        as_engines(size, [&](const Engine& engine) { return talk(engine, "start", saved); }),
        Each(wanted));
    Session session = test::engine().session();
    session.load(file(saved));
    EXPECT_EQ(session.position(),
              after_one.position() - static_cast<std::uint64_t>(
                                         test::engine().tokenizer().encode(" and").size() + 12));
    EXPECT_EQ(session.complete(greedy(" and", 12)).text, end);
  }
}

TEST_F(EngineOfRanks, AFailedLoadOrSaveKeepsTheSessionOnAllRanks) {
  const std::vector<std::string> all = as_engines(2, [&](const Engine& engine) {
    Session session = engine.session();
    session.read("The whale");
    std::string heard;
    for (const bool save : {true, false}) {
      try {
        save ? session.save("/no/such/folder/a") : session.load("/no/such/file");
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kFile);
        heard += std::string(error.what()) + "\n";
      }
    }
    return heard + session.complete(greedy("", 12)).text;
  });
  Session session = test::engine().session();
  session.read("The whale");
  EXPECT_EQ(all[0], all[1]);
  EXPECT_THAT(all[0], HasSubstr("[/no/such/folder/a] cannot create a file"));
  EXPECT_THAT(all[0], HasSubstr("[/no/such/file] cannot open"));
  EXPECT_THAT(all[0], ::testing::EndsWith("\n" + session.complete(greedy("", 12)).text));
}

// Rows come and go at the same steps everywhere; one of them fails everywhere.
std::string run_batch(const Engine& engine) {
  Batch batch = engine.batch({.max_rows = 3});
  std::map<Batch::Row, std::string> texts;
  const auto add = [&](const std::string& prompt, std::int64_t tokens) {
    return batch.add([&engine, prompt, tokens] { return engine.sequence(greedy(prompt, tokens)); });
  };
  add("Once upon a time", 20);
  add("Call me", 4);
  add(std::string("\xff"), 4);
  const Batch::Row long_one = add("It was a dark and", 1000);
  add("The whale", 9);
  for (int step = 0; batch.step(); ++step) {
    if (step == 15) batch.cancel(long_one);
    for (Batch::Finished& each : batch.take_finished()) {
      texts[each.row] = each.error ? "error" : each.sequence->result().text;
    }
  }
  for (Batch::Finished& each : batch.take_finished()) {
    texts[each.row] = each.error ? "error" : each.sequence->result().text;
  }
  std::string all;
  for (const auto& [row, text] : texts) all += std::to_string(row) + text + "\n";
  return all + std::to_string(batch.tokens());
}

TEST_F(EngineOfRanks, RowsOfABatchAreThoseOfOneDevice) {
  const std::string wanted = run_batch(test::engine());
  EXPECT_THAT(wanted, HasSubstr("3error\n"));
  for (const int size : {2, 4}) EXPECT_THAT(as_engines(size, run_batch), Each(wanted));
}

// What only one of them meets ends all, each row with the reason.
TEST_F(EngineOfRanks, MemoryThatOneDoesNotGetEndsAll) {
  const std::vector<std::string> all = as_engines(2, [](const Engine& engine) {
    const Group& group = *engine.model().backend().group();
    Batch batch = engine.batch();
    batch.add(engine.sequence(greedy("Once upon a time", 20)));
    batch.step();
    batch.add([&]() -> Sequence {
      if (group.rank() == 1) throw std::bad_alloc();
      return engine.sequence(greedy("Call me", 4));
    });
    std::string heard;
    while (batch.step()) {
    }
    for (const Batch::Finished& each : batch.take_finished()) {
      try {
        if (each.error) std::rethrow_exception(each.error);
      } catch (const Error& error) {
        EXPECT_THAT(error.kind(), ::testing::AnyOf(ErrorKind::kMemory, ErrorKind::kCancelled));
        heard += std::string(error.what()) + "\n";
      }
    }
    EXPECT_TRUE(group.is_broken());
    return heard;
  });
  EXPECT_THAT(all[0], HasSubstr("[rank 1 of 2] [memory] wanted enough for this call"));
}

TEST_F(EngineOfRanks, NeedsOfMemoryAreThoseOfAPart) {
  const auto whole = Engine::memory_needs(test::classics_folder().string(), options_of(nullptr));
  as_ranks(2, [&](const std::shared_ptr<Group>& group) {
    const auto part = Engine::memory_needs(test::classics_folder().string(), options_of(group));
    // Both ranks' together: what each has of its own is more than of one.
    EXPECT_GT(part(1).needed, whole(1).needed);
    EXPECT_LT(part(1).needed, 2 * whole(1).needed);
    EXPECT_GT(part(8).needed, part(1).needed);
    EXPECT_THROW(part(0), Error);
  });
  EXPECT_EQ(whole(4).needed,
            Engine::memory_need(test::classics_folder().string(), options_of(nullptr), 4).needed);
}

}  // namespace
}  // namespace xlstm::testing
