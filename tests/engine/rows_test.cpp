// Answers of an engine and of its sessions as rows of one batch, and sessions that go on from them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "tests/engine/classics_engine.h"
#include "tests/engine/failing_allocations.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/batch.h"
#include "xlstm/model/model.h"

namespace xlstm {
namespace {

using test::engine;
using test::greedy;
using ::testing::HasSubstr;
using Ids = std::vector<std::int32_t>;
using Row = Batch::Row;

const std::string kPrompt = "It was a dark night and";

std::map<Row, Batch::Finished> run(Batch& batch) {
  std::map<Row, Batch::Finished> all;
  batch.run([&](Batch::Finished each) { all.emplace(each.row, std::move(each)); });
  return all;
}

const Completion& result_of(const Batch::Finished& finished) {
  EXPECT_FALSE(finished.error);
  return finished.sequence->result();
}

// The message of an error of a kind, else what came in its place.
std::string told(ErrorKind kind, const std::exception_ptr& error) {
  if (!error) return "no error";
  try {
    std::rethrow_exception(error);
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind) << e.what();
    return e.what();
  } catch (const std::exception& e) {
    return str("no Error: ", e.what());
  }
}

template <typename Call>
std::string refused(const Call& call) {
  try {
    call();
  } catch (const Error&) {
    return told(ErrorKind::kUsage, std::current_exception());
  }
  return "accepted";
}

TEST(Rows, SessionsAnswerInABatchAsTheyDoAlone) {
  std::vector<Session> sessions;
  std::vector<Request> requests;
  for (const char* text : {"Once upon a time", "The captain", "She said", "In the garden"}) {
    Session session = engine().session();
    session.complete(greedy(text, 5));
    for (const bool says_more : {false, true}) {
      Request request = greedy(says_more ? " and then" : "", 12);
      request.temperature = says_more ? 0.8F : 0.0F;
      request.seed = requests.size();
      sessions.push_back(session);
      requests.push_back(request);
    }
  }
  Batch batch = engine().batch();
  std::vector<Row> rows;
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    rows.push_back(batch.add(sessions[i].sequence(requests[i])));
  }
  const auto finished = run(batch);
  for (std::size_t i = 0; i < sessions.size(); ++i) {
    const Completion alone = sessions[i].complete(requests[i]);  // stayed where it was
    EXPECT_EQ(result_of(finished.at(rows[i])).tokens, alone.tokens) << i;
    EXPECT_EQ(result_of(finished.at(rows[i])).text, alone.text) << i;
  }
}

TEST(Rows, AnEngineSSequencesBeginAtTheStart) {
  Batch batch = engine().batch({.max_rows = 1});
  const Row first = batch.add(engine().sequence(greedy(kPrompt, 8)));
  const Row second = batch.add([] { return engine().sequence(greedy("Once", 8)); });
  const auto finished = run(batch);
  EXPECT_EQ(result_of(finished.at(first)).tokens, engine().complete(greedy(kPrompt, 8)).tokens);
  EXPECT_EQ(result_of(finished.at(second)).tokens, engine().complete(greedy("Once", 8)).tokens);
}

TEST(Rows, ASessionThatGoesOnFromARowHasAnsweredItself) {
  Session session = engine().session(), twin = engine().session();
  session.read(kPrompt);
  twin.read(kPrompt);
  Batch batch = engine().batch();
  const Row row = batch.add(session.sequence(greedy(" the", 10)));
  batch.add(engine().sequence(greedy("Once", 14)));
  const auto finished = run(batch);
  session.go_on_from(*finished.at(row).sequence);
  EXPECT_EQ(twin.complete(greedy(" the", 10)).text, result_of(finished.at(row)).text);
  EXPECT_EQ(session.position(), twin.position());
  EXPECT_EQ(session.complete(greedy("", 10)).tokens, twin.complete(greedy("", 10)).tokens);
}

TEST(Rows, ASessionGoesOnFromARowThatWasTakenOut) {
  Session session = engine().session(), twin = engine().session();
  Batch batch = engine().batch();
  const Row row = batch.add(session.sequence(greedy(kPrompt, 20)));
  for (int i = 0; i < 3; ++i) batch.step();
  const Sequence taken = batch.remove(row);
  session.go_on_from(taken);
  const auto tokens = static_cast<std::int64_t>(taken.result().tokens.size());
  EXPECT_GT(tokens, 0);
  twin.complete(greedy(kPrompt, tokens));
  EXPECT_EQ(session.position(), twin.position());
  EXPECT_EQ(session.complete(greedy("", 6)).tokens, twin.complete(greedy("", 6)).tokens);
}

TEST(Rows, CallbacksMayUseTheEngineAndAddRows) {
  const Ids alone = engine().complete(greedy(kPrompt, 6)).tokens;
  Batch batch = engine().batch();
  Row added = 0;
  Session session = engine().session();
  session.read("Once");
  const Row endless = batch.add(session.sequence(greedy("", 1000)));
  Request request = greedy(kPrompt, 6);
  request.on_token = [&](const TokenEvent&) {
    EXPECT_EQ(engine().complete(greedy(kPrompt, 6)).tokens, alone);
    session.read(" more");
    if (added == 0) added = batch.add(engine().sequence(greedy(kPrompt, 6)));
    batch.cancel(endless);
    return true;
  };
  request.process_logits = [&](std::span<const TokenId>, std::span<float>) {
    EXPECT_EQ(engine().complete(greedy(kPrompt, 6)).tokens, alone);
  };
  const Row row = batch.add(engine().sequence(request));
  const auto finished = run(batch);
  EXPECT_EQ(result_of(finished.at(row)).tokens, alone);
  EXPECT_EQ(result_of(finished.at(added)).tokens, alone);
  EXPECT_EQ(result_of(finished.at(endless)).stop_reason, StopReason::kCancelled);
}

TEST(Rows, NothingGoesOnFromARowThatFailed) {
  Session session = engine().session();
  session.read(kPrompt);
  const std::uint64_t position = session.position();
  Batch batch = engine().batch();
  Request request = greedy("", 5);
  request.on_token = [](const TokenEvent&) -> bool { throw std::logic_error("its own"); };
  const Row row = batch.add(session.sequence(request));
  const auto finished = run(batch);
  EXPECT_THAT(refused([&] { session.go_on_from(*finished.at(row).sequence); }),
              HasSubstr("one that failed"));
  EXPECT_EQ(session.position(), position);
}

// It is told of the text that was held back for a stop string, and throws then.
TEST(Rows, ARowThatIsCancelledWhileItWaitsFailsAlone) {
  bool held_back = false;
  Request request = greedy(kPrompt, 8);
  request.stop = {" night was no more"};
  request.on_token = [&](const TokenEvent& event) {
    if (!event.id) throw std::logic_error("its own");
    held_back = event.text.empty();
    return true;
  };
  Batch batch = engine().batch();
  const Row other = batch.add(engine().sequence(greedy("Once", 8)));
  const Row before = batch.add(engine().sequence(request));
  for (int i = 0; i < 8 && !held_back; ++i) batch.step();
  ASSERT_TRUE(held_back);
  const Row row = batch.add(batch.remove(before));
  batch.cancel(row);
  const auto finished = run(batch);
  EXPECT_EQ(told(ErrorKind::kUsage, finished.at(row).error), "no Error: its own");
  EXPECT_EQ(result_of(finished.at(other)).tokens, engine().complete(greedy("Once", 8)).tokens);
}

TEST(Rows, ASequenceOfAnotherEngineIsRefused) {
  const Engine other =
      Engine::open(test::classics_folder().string(), {.dtype = "float32", .device = "cpu"});
  Batch batch = engine().batch();
  EXPECT_THAT(refused([&] { batch.add(other.sequence(greedy(kPrompt, 3))); }),
              HasSubstr("of this engine"));
  EXPECT_EQ(batch.rows(), 0U);
  const Row row = batch.add([&] { return other.sequence(greedy(kPrompt, 3)); });
  EXPECT_THAT(told(ErrorKind::kUsage, run(batch).at(row).error), HasSubstr("of this engine"));
  Session session = engine().session();
  EXPECT_THAT(refused([&] { session.go_on_from(other.sequence(greedy(kPrompt, 3))); }),
              HasSubstr("of this engine"));
  EXPECT_EQ(session.position(), 0U);
}

TEST(Rows, ASequenceThatWasMovedFromIsRefused) {
  Batch batch = engine().batch();
  Sequence sequence = engine().sequence(greedy(kPrompt, 3));
  const Row row = batch.add(std::move(sequence));
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_THAT(refused([&] { batch.add(std::move(sequence)); }), HasSubstr("moved from"));
  EXPECT_THAT(refused([&] { sequence.result(); }), HasSubstr("moved from"));
  EXPECT_THAT(refused([&] { sequence.fork({}, {}); }), HasSubstr("moved from"));
  EXPECT_THAT(refused([&] { engine().session().go_on_from(sequence); }), HasSubstr("moved from"));
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(result_of(run(batch).at(row)).tokens, engine().complete(greedy(kPrompt, 3)).tokens);
}

// --- memory ----------------------------------------------------------------------------------

TEST(Rows, ARowThatGetsNoMemoryToBeginFailsAlone) {
  Batch batch = engine().batch();
  const Row before = batch.add(engine().sequence(greedy(kPrompt, 8)));
  const Row none = batch.add([] {
    engine().model().backend().drop_cache();
    test::fail_tensor(0);
    const auto sequence = [] { return engine().sequence(greedy("Once", 8)); };
    std::optional<Sequence> made;
    try {
      made = sequence();
    } catch (...) {
      EXPECT_TRUE(test::fail_none());
      throw;
    }
    return std::move(*made);
  });
  const Row after = batch.add(engine().sequence(greedy(kPrompt, 8)));
  const auto finished = run(batch);
  EXPECT_THAT(told(ErrorKind::kMemory, finished.at(none).error), HasSubstr("none left"));
  const Ids alone = engine().complete(greedy(kPrompt, 8)).tokens;
  EXPECT_EQ(result_of(finished.at(before)).tokens, alone);
  EXPECT_EQ(result_of(finished.at(after)).tokens, alone);
}

// The row's state is the session's until it writes to it: the memory for that is not there.
TEST(Rows, ARowThatGetsNoMemoryForItsStateFailsAlone) {
  Session session = engine().session();
  session.read(kPrompt);
  Batch batch = engine().batch();
  const Row first = batch.add(engine().sequence(greedy("Once", 8)));
  const Row forked = batch.add(session.sequence(greedy("", 8)));
  Request request = greedy("The captain", 8);
  int told_of = 0;
  request.on_token = [&](const TokenEvent&) {  // the last callback before the states are written
    if (++told_of > 1) return true;
    engine().model().backend().drop_cache();
    test::fail_tensor(0);
    return true;
  };
  const Row last = batch.add(engine().sequence(request));
  batch.step();
  EXPECT_TRUE(test::fail_none());
  const auto finished = run(batch);
  EXPECT_THAT(told(ErrorKind::kMemory, finished.at(forked).error), HasSubstr("none left"));
  EXPECT_EQ(result_of(finished.at(first)).tokens, engine().complete(greedy("Once", 8)).tokens);
  EXPECT_EQ(result_of(finished.at(last)).tokens,
            engine().complete(greedy("The captain", 8)).tokens);
  EXPECT_EQ(session.complete(greedy("", 8)).tokens, engine().complete(greedy(kPrompt, 8)).tokens);
}

TEST(Rows, ARowThatGetsNoMemoryToBeForkedFailsAlone) {
  Batch batch = engine().batch();
  const Row other = batch.add(engine().sequence(greedy("Once", 8)));
  const Row row = batch.add(engine().sequence(greedy(kPrompt, 8)));
  for (int i = 0; i < 3; ++i) batch.step();
  engine().model().backend().drop_cache();
  test::fail_tensor(0);  // its logits are to be taken from those of both rows
  std::exception_ptr of_fork;
  try {
    batch.fork(row, {});
  } catch (...) {
    of_fork = std::current_exception();
  }
  EXPECT_TRUE(test::fail_none());
  EXPECT_THAT(told(ErrorKind::kMemory, of_fork), HasSubstr("none left"));
  EXPECT_EQ(batch.rows(), 1U);
  const auto finished = run(batch);
  EXPECT_THAT(told(ErrorKind::kMemory, finished.at(row).error), HasSubstr("none left"));
  EXPECT_EQ(result_of(finished.at(other)).tokens, engine().complete(greedy("Once", 8)).tokens);
}

// Any allocation of a step may fail, of a row's or of all rows': rows end with an Error or with the
// right answer, and the batch goes on.
void fail_each_in_turn(void (*fail)(int)) {
  const Ids long_alone = engine().complete(greedy("Once", 6)).tokens;
  const Ids alone = engine().complete(greedy(kPrompt, 6)).tokens;
  Session session = engine().session();
  session.read(kPrompt);
  int errors = 0;
  for (int nth = 0; nth < 400; ++nth) {
    SCOPED_TRACE(nth);
    Batch batch = engine().batch();
    std::map<Row, Ids> rows;
    rows[batch.add(engine().sequence(greedy("Once", 6)))] = long_alone;
    batch.step();
    Request watched = greedy("", 6);
    watched.top_log_probabilities = 4;
    watched.process_logits = [](std::span<const TokenId>, std::span<float>) {};
    rows[batch.add(session.sequence(watched))] = alone;
    rows[batch.add([] { return engine().sequence(greedy(kPrompt, 6)); })] = alone;
    engine().model().backend().drop_cache();
    fail(nth);
    std::exception_ptr of_step;
    try {
      batch.step();
    } catch (...) {
      of_step = std::current_exception();
    }
    const bool failed = test::fail_none();
    if (of_step) {
      EXPECT_THAT(told(ErrorKind::kMemory, of_step), HasSubstr("none left"));
    }
    rows[batch.add(engine().sequence(greedy(kPrompt, 6)))] = alone;
    const auto finished = run(batch);
    ASSERT_EQ(finished.size(), rows.size());
    for (const auto& [row, tokens] : rows) {
      const Batch::Finished& each = finished.at(row);
      if (each.error) {
        EXPECT_THAT(told(ErrorKind::kMemory, each.error), HasSubstr("none left"));
        ++errors;
      } else {
        EXPECT_EQ(each.sequence->result().tokens, tokens) << row;
      }
    }
    EXPECT_FALSE(finished.rbegin()->second.error);  // that which came afterwards
    if (!failed) break;
    ASSERT_LT(nth, 399) << "still failing";
  }
  EXPECT_GT(errors, 0);
}

TEST(Rows, MemoryThatRunsOutAnywhereInAStepIsTold) {
  fail_each_in_turn(test::fail_allocation);
}

TEST(Rows, TensorsWithoutMemoryAnywhereInAStepAreTold) {
  fail_each_in_turn(test::fail_tensor);
}

}  // namespace
}  // namespace xlstm
