#include "xlstm/apps/editor/history.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "tests/apps/command_line.h"
#include "xlstm/apps/editor/history_text.h"

namespace xlstm::testing {
namespace {

using apps::decode_history_line;
using apps::encode_history_line;
using apps::History;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Histories : public CommandLine {};

TEST_F(Histories, KeepAnyText) {
  const std::vector<std::string> texts = {
      "plain", " a\tb \\ c\\040\n\nd\r\x1b\x7f", "\xC3\xA9\xE6\x97\xA5", "_HiStOrY_V2_ ",
      "#",     std::string(5000, 'x'),           std::string("\0a", 2)};
  {
    History history(file("h"));
    for (const std::string& text : texts) history.add(text);
  }
  EXPECT_EQ(History(file("h")).lines(), texts);
}

// What libedit wrote: octal, its short forms, bytes above 127 with \M in a C locale.
TEST_F(Histories, ReadTheFilesOfLibedit) {
  write("h", "_HiStOrY_V2_\nfirst\\040line\n\\M-C\\M-)\\^A\\n\\s\\134\\\\\n\xC3\xA9\n");
  EXPECT_THAT(History(file("h")).lines(),
              ElementsAre("first line", "\xC3\xA9\x01\n \\\\", "\xC3\xA9"));
}

TEST_F(Histories, DecodeAnything) {
  EXPECT_EQ(decode_history_line("a\\"), "a\\");
  EXPECT_EQ(decode_history_line("\\M"), "\xEF\xBF\xBD");
  EXPECT_EQ(decode_history_line("\\M^"), "\xEF\xBF\xBD");
  EXPECT_EQ(decode_history_line("\\7\\77x\\777"), "\a?x\xEF\xBF\xBD");
  EXPECT_EQ(decode_history_line("\xFF"), "\xEF\xBF\xBD");
  EXPECT_EQ(encode_history_line("a b\\"), "a\\040b\\\\");
}

TEST_F(Histories, OfSeveralProgramsJoin) {
  {
    History one(file("h"));
    History two(file("h"));
    one.add("a");
    two.add("b");
    one.add("c");
    EXPECT_THAT(one.lines(), ElementsAre("a", "c"));
  }
  EXPECT_THAT(History(file("h")).lines(), ElementsAre("a", "b", "c"));
}

TEST_F(Histories, LoseNothingWhileOthersShorten) {
  // Enough lines that every end rewrites the file, at the same time as others append.
  std::string old = "_HiStOrY_V2_\n";
  for (int i = 0; i < 2000; ++i) old += "old\n";
  write("h", old);
  constexpr int kThreads = 4;
  constexpr int kEach = 100;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kEach; ++i) {
        History history(file("h"));
        history.add(std::to_string(thread) + "-" + std::to_string(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const History history(file("h"));
  EXPECT_EQ(history.lines().size(), apps::kHistoryLines);
  EXPECT_EQ(std::ranges::count(history.lines(), "old"),
            static_cast<std::ptrdiff_t>(apps::kHistoryLines) - kThreads * kEach);
}

TEST_F(Histories, AreBoundedAndPrivate) {
  {
    History history(file("h"));
    for (int i = 0; i < 5; ++i) history.add(std::string(3'000'000, static_cast<char>('a' + i)));
    history.add(std::string(apps::kHistoryBytes, 'x'));  // for this run alone
    EXPECT_EQ(history.lines().size(), 6U);
  }
  EXPECT_LE(std::filesystem::file_size(file("h")), apps::kHistoryBytes);
  EXPECT_EQ(History(file("h")).lines().size(), 2U);
  struct stat facts;
  ASSERT_EQ(stat(file("h").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST_F(Histories, HalfALineIsNotJoined) {
  write("h", "_HiStOrY_V2_\na\nhalf");
  { History(file("h")).add("b"); }
  EXPECT_THAT(History(file("h")).lines(), ElementsAre("a", "half", "b"));
}

TEST_F(Histories, LiveWithoutAFile) {
  for (const auto& path : {std::filesystem::path(), file("no/folder"), folder_}) {
    History history(path);
    history.add("a");
    EXPECT_THAT(history.lines(), ElementsAre("a"));
  }
}

TEST_F(Histories, DoNotWaitForWhoeverHoldsTheLock) {
  const int holder = open(write("h", "").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_EQ(flock(holder, LOCK_EX), 0);
  History(file("h")).add("a line");
  close(holder);
  EXPECT_THAT(History(file("h")).lines(), ElementsAre("a line"));
}

}  // namespace
}  // namespace xlstm::testing
