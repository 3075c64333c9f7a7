// Sessions: states that are carried over, forked, saved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "tests/engine/classics_engine.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/generator.h"
#include "xlstm/model/model.h"
#include "xlstm/weights/safetensors.h"

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
  State state = engine().model().initial_state();
  const GenerateOptions options = {.max_tokens = tokens, .sampling = {.temperature = 0}};
  return generate(engine().model(), engine().tokenizer(), state, ids, options).tokens;
}

void append(Ids& ids, const Ids& more) {
  ids.insert(ids.end(), more.begin(), more.end());
}

Session read_session(std::string_view text) {
  Session session = engine().session();
  session.read(text);
  return session;
}

TEST(Session, TurnByTurnIsOneRunOverTheJoinedIds) {
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

TEST(Session, ForkAndGoOnTwiceIsTwoRuns) {
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

TEST(Session, AssignmentForksToo) {
  Session session = engine().session(), other = engine().session();
  session.read("Once upon a time");
  other = session;
  EXPECT_EQ(other.position(), session.position());
  other.read(" there was");
  EXPECT_GT(other.position(), session.position());
  Session moved = std::move(other);
  EXPECT_GT(moved.position(), session.position());
}

TEST(Session, SaveLoadAndGoOnIsOneRun) {
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

TEST(Session, ReadingThenAnsweringIsOnePrompt) {
  Session session = engine().session();
  session.read("The sea was calm");
  session.read("");
  const Ids tokens = session.complete(greedy(" until")).tokens;
  Ids all = {0};
  append(all, engine().tokenizer().encode("The sea was calm"));
  append(all, engine().tokenizer().encode(" until"));
  EXPECT_EQ(tokens, continued(all, 20));
}

TEST(Session, SizeOfTheStateIsTheSameAtEveryPosition) {
  Session session = engine().session();
  const std::uint64_t bytes = session.bytes();
  EXPECT_EQ(bytes, 266'368U);  // 8 blocks x 4 heads x (32 * 64 + 32 + 1) floats
  session.read(test::book("alice.txt").substr(0, 5000));
  EXPECT_GT(session.position(), 1000U);
  EXPECT_EQ(session.bytes(), bytes);
}

// Ops by how often each was called.
std::uint64_t calls_of(const char* op, const std::vector<ProfileEntry>& profile) {
  const auto is_op = [op](const ProfileEntry& entry) { return entry.name == op; };
  const auto found = std::ranges::find_if(profile, is_op);
  return found == profile.end() ? 0 : found->calls;
}

TEST(Session, TheLastTokenIsReadByASessionAndByNobodyElse) {
  Backend& backend = engine().model().backend();
  backend.start_profile();
  const Completion out = engine().complete(greedy("Once upon a time", 6));
  EXPECT_EQ(calls_of("embed", backend.stop_profile()), 6U);  // the prompt and five tokens

  Session session = engine().session();
  backend.start_profile();
  EXPECT_EQ(session.complete(greedy("Once upon a time", 6)).tokens, out.tokens);
  EXPECT_EQ(calls_of("embed", backend.stop_profile()), 7U);
  EXPECT_EQ(session.position(), out.prompt_tokens + 6);
}

TEST(Session, TheLastTokenIsLeftUnreadWhereThatIsAskedFor) {
  Session whole = engine().session(), part = engine().session();
  Request request = greedy("Once upon a time");
  const Completion all = whole.complete(request);
  request.read_last = false;
  EXPECT_EQ(part.complete(request).tokens, all.tokens);
  ASSERT_EQ(part.position() + 1, whole.position());
  part.score({all.tokens.back()});
  EXPECT_EQ(part.next_logits(), whole.next_logits());
}

TEST(Session, GoesOnFromAStateThatWasReadOnBelowIt) {
  const Session read = read_session("The old man");
  Session session = engine().session();
  const Model& model = engine().model();
  {
    const auto turn = model.backend().exclusive();
    session.go_on_from(read.state());
  }
  EXPECT_EQ(session.position(), read.position());
  EXPECT_EQ(session.next_logits(), read.next_logits());
}

TEST(Session, ResetStartsANewSequence) {
  Session session = engine().session();
  const Ids first = session.complete(greedy("Once")).tokens;
  session.reset();
  EXPECT_EQ(session.position(), 0U);
  EXPECT_EQ(session.complete(greedy("Once")).tokens, first);
}

TEST(Session, AnAnswerGoesOnWithoutNewText) {
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

TEST(Session, AnEmptyPromptAtTheStartIsBosAlone) {
  Session session = engine().session();
  EXPECT_EQ(session.complete(greedy("", 3)).tokens.size(), 3U);
  EXPECT_EQ(session.position(), 4U);
  Request without_bos = greedy("", 3);
  without_bos.add_bos = false;
  Session other = engine().session();
  EXPECT_THROW(other.complete(without_bos), Error);
}

TEST(Session, ALongPromptThatIsCancelledKeepsWhatWasRead) {
  const std::string book = test::book("alice.txt").substr(0, 20'000);
  Session session = engine().session();
  int asked = 0;
  Request request = greedy(book, 5);
  request.cancelled = [&asked] { return ++asked == 3; };
  const Completion cut = session.complete(request);
  EXPECT_EQ(cut.stop_reason, StopReason::kCancelled);
  EXPECT_TRUE(cut.tokens.empty());
  EXPECT_GT(cut.statistics.prompt_tokens, 0);
  EXPECT_LT(static_cast<std::uint64_t>(cut.statistics.prompt_tokens), cut.prompt_tokens);
  EXPECT_EQ(session.position(), static_cast<std::uint64_t>(cut.statistics.prompt_tokens));
}

TEST(Session, ReadingNothingReadsBosOnce) {
  Session session = engine().session();
  session.read("", false);
  EXPECT_EQ(session.position(), 0U);
  session.read("");
  EXPECT_EQ(session.position(), 1U);
  session.read("");
  EXPECT_EQ(session.position(), 1U);
}

TEST(Session, ACallThatThrowsChangesNothing) {
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

TEST(Session, UnreadableStatesAreRefusedAndChangeNothing) {
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

TEST(Session, ASaveThatFailsLeavesNothing) {
  const TemporaryFolder folder;
  Session session = engine().session();
  session.read("Once");
  EXPECT_THROW(session.save(folder.path() / "no" / "such" / "folder"), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Session, APathThatCannotBeWrittenIsToldBefore) {
  const TemporaryFolder folder;
  EXPECT_THROW(Session::check_can_save(folder.path() / "no" / "folder"), Error);
  EXPECT_THROW(Session::check_can_save(folder.path()), Error);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Session, AskingWhetherAStateCanBeSavedLeavesNothingBehind) {
  const TemporaryFolder folder;
  Session::check_can_save(folder.path() / "new");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));

  const auto old = folder.file("old", "as it was");
  Session::check_can_save(old);
  EXPECT_EQ(std::filesystem::file_size(old), 9U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Session, OneThatWasMovedFromSaysSo) {
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

TEST(Session, AnEmptyStateNeverReplacesOneThatHasReadSomething) {
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

// `from` with each tensor twice, as version 0.1.0 wrote the states of a batch.
void write_as_two_sequences(const std::filesystem::path& from, const std::filesystem::path& to) {
  const auto source = open_safetensors(from);
  auto metadata = source->metadata();
  metadata["positions"] += "," + metadata["positions"];
  std::list<std::vector<std::byte>> twice;
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& info : source->tensors()) {
    const auto once = source->read_all(source->find(info.name));
    std::vector<std::byte>& bytes = twice.emplace_back(once);
    bytes.insert(bytes.end(), once.begin(), once.end());
    Shape shape = info.shape;
    shape.front() = 2;
    tensors.push_back({info.name, info.dtype, shape, bytes});
  }
  write_safetensors(to, tensors, metadata);
}

TEST(Session, TheStateOfTwoSequencesIsNotOneS) {
  const TemporaryFolder folder;
  Session session = engine().session();
  session.read("Once upon a time");
  const std::uint64_t position = session.position();
  session.save(folder.path() / "one");
  write_as_two_sequences(folder.path() / "one", folder.path() / "two");
  try {
    session.load(folder.path() / "two");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFormat);
    EXPECT_THAT(error.what(), HasSubstr("wanted the state of one sequence"));
  }
  EXPECT_EQ(session.position(), position);
}

}  // namespace
}  // namespace xlstm
