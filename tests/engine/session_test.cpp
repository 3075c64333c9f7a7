// Sessions: states that are carried over, forked, saved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/classics_engine.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/generator.h"
#include "xlstm/model/state_file.h"

namespace xlstm {
namespace {

using test::engine;
using test::greedy;
using ::testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

Request greedy(const std::string& prompt) {
  return greedy(prompt, 20);
}

// One run over all the ids, below the engine.
Ids continued(const Ids& ids, std::int64_t tokens) {
  ModelState state = engine().model().initial_state();
  const GenerateOptions options = {.max_tokens = tokens, .sampling = {.temperature = 0}};
  return generate(engine().model(), engine().tokenizer(), state, ids, options).tokens;
}

void append(Ids& ids, const Ids& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

TEST(Session, turn_by_turn_is_one_run_over_the_joined_ids) {
  Session session = engine().session();
  Ids all = {0};  // BOS once, at the start
  for (const char* turn : {"It was a dark night.", " The old man", " said:", " and so"}) {
    append(all, engine().tokenizer().encode(turn));
    const Completion out = session.complete(greedy(turn));
    EXPECT_EQ(out.tokens, continued(all, 20)) << turn;
    append(all, out.tokens);
    EXPECT_EQ(session.position(), all.size());
  }
}

TEST(Session, fork_and_go_on_twice_is_two_runs) {
  Session session = engine().session();
  session.complete(greedy("Once upon a time"));
  Session left = session, right = session;
  const Completion a = left.complete(greedy(" a king"));
  const Completion b = right.complete(greedy(" a queen"));
  EXPECT_NE(a.tokens, b.tokens);

  for (const auto& [turn, expected] :
       {std::pair{" a king", a.tokens}, std::pair{" a queen", b.tokens}}) {
    Session alone = engine().session();
    alone.complete(greedy("Once upon a time"));
    EXPECT_EQ(alone.complete(greedy(turn)).tokens, expected);
  }
  EXPECT_EQ(session.complete(greedy(" a king")).tokens, a.tokens);  // the origin is as it was
}

TEST(Session, assignment_forks_too) {
  Session session = engine().session(), other = engine().session();
  session.read("Once upon a time");
  other = session;
  EXPECT_EQ(other.position(), session.position());
  other.read(" there was");
  EXPECT_GT(other.position(), session.position());
  Session moved = std::move(other);
  EXPECT_GT(moved.position(), session.position());
}

TEST(Session, save_load_and_go_on_is_one_run) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state.safetensors";
  Session session = engine().session();
  session.complete(greedy("The sea was calm"));
  session.save(file);
  Session loaded = engine().session();
  loaded.load(file);
  EXPECT_EQ(loaded.position(), session.position());
  EXPECT_EQ(loaded.complete(greedy(" until")).tokens, session.complete(greedy(" until")).tokens);
}

TEST(Session, reading_then_answering_is_one_prompt) {
  Session session = engine().session();
  session.read("The sea was calm");
  session.read("");
  const Ids tokens = session.complete(greedy(" until")).tokens;
  Ids all = {0};
  append(all, engine().tokenizer().encode("The sea was calm"));
  append(all, engine().tokenizer().encode(" until"));
  EXPECT_EQ(tokens, continued(all, 20));
}

TEST(Session, size_of_the_state_is_the_same_at_every_position) {
  Session session = engine().session();
  const std::uint64_t bytes = session.bytes();
  EXPECT_EQ(bytes, 266'368U);  // 8 blocks x 4 heads x (32 * 64 + 32 + 1) floats
  session.read(test::book("alice.txt").substr(0, 5000));
  EXPECT_GT(session.position(), 1000U);
  EXPECT_EQ(session.bytes(), bytes);
}

TEST(Session, reset_starts_a_new_sequence) {
  Session session = engine().session();
  const Ids first = session.complete(greedy("Once")).tokens;
  session.reset();
  EXPECT_EQ(session.position(), 0U);
  EXPECT_EQ(session.complete(greedy("Once")).tokens, first);
}

TEST(Session, an_answer_goes_on_without_new_text) {
  const TemporaryFolder folder;
  Session session = engine().session();
  const Ids whole = session.complete(greedy("The sea was calm", 30)).tokens;

  Session parts = engine().session();
  parts.read("The sea was calm");
  Ids tokens = parts.complete(greedy("", 10)).tokens;
  append(tokens, Session(parts).complete(greedy("", 20)).tokens);  // in a fork
  EXPECT_EQ(tokens, whole);

  parts.save(folder.path() / "state");  // and in another session, from a file
  Session loaded = engine().session();
  loaded.load(folder.path() / "state");
  EXPECT_EQ(loaded.complete(greedy("", 20)).tokens, Ids(whole.begin() + 10, whole.end()));
}

TEST(Session, an_empty_prompt_at_the_start_is_bos_alone) {
  Session session = engine().session();
  EXPECT_EQ(session.complete(greedy("", 3)).tokens.size(), 3U);
  EXPECT_EQ(session.position(), 4U);
  Request without_bos = greedy("", 3);
  without_bos.add_bos = false;
  Session other = engine().session();
  EXPECT_THROW(other.complete(without_bos), Error);
}

TEST(Session, a_long_prompt_that_is_cancelled_keeps_what_was_read) {
  const std::string book = test::book("alice.txt").substr(0, 20'000);
  Session session = engine().session();
  int asked = 0;
  Request request = greedy(book, 5);
  request.cancelled = [&asked] { return ++asked == 3; };
  const Completion cut = session.complete(request);
  EXPECT_EQ(cut.stop_reason, "cancelled");
  EXPECT_TRUE(cut.tokens.empty());
  EXPECT_GT(cut.statistics.prompt_tokens, 0);
  EXPECT_LT(static_cast<std::uint64_t>(cut.statistics.prompt_tokens), cut.prompt_tokens);
  EXPECT_EQ(session.position(), static_cast<std::uint64_t>(cut.statistics.prompt_tokens));
}

TEST(Session, reading_nothing_reads_bos_once) {
  Session session = engine().session();
  session.read("", false);
  EXPECT_EQ(session.position(), 0U);
  session.read("");
  EXPECT_EQ(session.position(), 1U);
  session.read("");
  EXPECT_EQ(session.position(), 1U);
}

TEST(Session, a_call_that_throws_changes_nothing) {
  Session session = engine().session();
  session.read("Once upon a time");
  Session twin = session;
  const std::uint64_t position = session.position();
  EXPECT_THROW(session.complete({.prompt = " a king", .top_p = 7}), Error);
  EXPECT_THROW(session.complete(greedy("\xff")), Error);
  EXPECT_THROW(session.complete(greedy(" a king"),
                                [](std::string_view) -> bool { throw std::logic_error("no"); }),
               std::logic_error);
  EXPECT_EQ(session.position(), position);
  EXPECT_EQ(session.complete(greedy(" a king")).tokens, twin.complete(greedy(" a king")).tokens);
}

TEST(Session, unreadable_states_are_refused_and_change_nothing) {
  const TemporaryFolder folder;
  Session session = engine().session();
  session.read("Once upon a time");
  const std::uint64_t position = session.position();
  EXPECT_THROW(session.load(folder.path() / "missing"), Error);
  EXPECT_THROW(session.load(folder.file("empty", "")), Error);
  EXPECT_THROW(session.load(folder.file("noise", std::string(1000, '\x7f'))), Error);
  EXPECT_THROW(session.load(test::classics_folder() / "model-00001-of-00002.safetensors"), Error);
  session.save(folder.path() / "good");
  std::filesystem::resize_file(folder.path() / "good", 100'000);
  EXPECT_THROW(session.load(folder.path() / "good"), Error);
  EXPECT_EQ(session.position(), position);
}

TEST(Session, a_save_that_fails_leaves_nothing) {
  const TemporaryFolder folder;
  Session session = engine().session();
  session.read("Once");
  EXPECT_THROW(session.save(folder.path() / "no" / "such" / "folder"), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Session, a_path_that_cannot_be_written_is_told_before) {
  const TemporaryFolder folder;
  EXPECT_THROW(Session::check_can_save(folder.path() / "no" / "folder"), Error);
  EXPECT_THROW(Session::check_can_save(folder.path()), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Session, asking_whether_a_state_can_be_saved_leaves_nothing_behind) {
  const TemporaryFolder folder;
  Session::check_can_save(folder.path() / "new");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));

  const auto old = folder.file("old", "as it was");
  Session::check_can_save(old);
  EXPECT_EQ(std::filesystem::file_size(old), 9U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Session, one_that_was_moved_from_says_so) {
  const TemporaryFolder folder;
  Session session = engine().session();
  session.read("Once upon a time");
  Session moved = std::move(session);
  const auto refused = [](const auto& call) {
    try {
      call();
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_THAT(error.what(), HasSubstr("moved from"));
    }
  };
  // NOLINTBEGIN(bugprone-use-after-move)
  refused([&] { session.complete(greedy("x", 1)); });
  refused([&] { session.read("x"); });
  refused([&] { session.read(""); });
  refused([&] { session.position(); });
  refused([&] { session.bytes(); });
  refused([&] { session.reset(); });
  refused([&] { session.save(folder.path() / "state"); });
  refused([&] { session.load(folder.path() / "state"); });
  Session copy = session;
  refused([&] { copy.position(); });
  copy = moved;
  EXPECT_EQ(copy.position(), moved.position());
  copy = session;
  refused([&] { copy.position(); });
  session = moved;
  EXPECT_EQ(session.position(), moved.position());

  Engine one = engine();
  const Engine two = std::move(one);
  refused([&] { one.complete(greedy("x", 1)); });
  refused([&] { one.session(); });
  refused([&] { one.plan(); });
  refused([&] { one.memory(); });
  // NOLINTEND(bugprone-use-after-move)
  EXPECT_EQ(two.plan().name, engine().plan().name);
}

TEST(Session, an_empty_state_never_replaces_one_that_has_read_something) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state";
  Session session = engine().session();
  session.save(file);
  session.read("Once upon a time");
  session.save(file);
  const std::uint64_t position = session.position();
  session.reset();
  try {
    session.save(file);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr(file.string()));
  }
  session.load(file);
  EXPECT_EQ(session.position(), position);
}

TEST(Session, the_state_of_two_sequences_is_not_one_s) {
  const TemporaryFolder folder;
  Session session = engine().session();
  session.read("Once upon a time");
  const std::uint64_t position = session.position();
  const Model& model = engine().model();
  save_state(folder.path() / "two", model.initial_state(2), model);
  try {
    session.load(folder.path() / "two");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFormat);
    EXPECT_THAT(error.what(), HasSubstr("wanted the state of one sequence, got 2 sequences"));
  }
  EXPECT_EQ(session.position(), position);
}

}  // namespace
}  // namespace xlstm
