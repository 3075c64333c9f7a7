// Standard descriptors as callers leave them: closed, or so that they do not block.
#include "xlstm/apps/descriptors.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <thread>

#include "tests/apps/command_line.h"
#include "tests/support/child_process.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/streams.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;

using Descriptors = CommandLine;

struct Case {
  std::vector<std::string> arguments;
  bool reads;  // standard input
  std::string input = "";
};

std::vector<Case> every_command(const std::string& out) {
  return {
      {{"generate", "-p", "The", "-n", "3"}, false},
      {{"generate", "-n", "3"}, true},
      {{"chat", "-n", "3"}, true, "The\n"},
      {{"chat", "-n", "3", "-p", "The"}, true},
      {{"tokenize"}, true, "The whale"},
      {{"tokenize", "--jsonl"}, true, "\"The whale\"\n"},
      {{"detokenize"}, true, "36 394\n"},
      {{"perplexity"}, true, "The whale is large."},
      {{"info"}, false},
      {{"wiring"}, false},
      {{"bench", "--synthetic", "tiny", "--steps", "2", "--repeats", "1", "--prefill", "0"}, false},
      {{"convert", "classics-8m", out, "--quantize", "8", "--min-max", "--force"}, false},
      {{"doctor"}, false},
      {{"completion", "bash"}, false},
      {{"help"}, false},
      {{"--version"}, false}};
}

// Ends, and never says that all is well where nothing could be read or written.
TEST_F(Descriptors, ClosedOnesAreErrorsWhereTheyAreUsed) {
  for (const Case& each : every_command(file("out").string())) {
    for (const std::vector<int>& closed :
         std::vector<std::vector<int>>{{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}}) {
      const auto is_closed = [&](int number) { return std::ranges::count(closed, number) > 0; };
      const Result result = xlstm(each.arguments, {.input = each.input, .closed = closed});
      const bool bad = is_closed(1) || (each.reads && is_closed(0));
      EXPECT_EQ(result.code, bad ? 3 : 0)
          << each.arguments[0] << ", closed " << ::testing::PrintToString(closed) << '\n'
          << result.err;
      if (bad && !is_closed(2)) {
        EXPECT_THAT(result.err, HasSubstr("[standard "));
      }
    }
  }
}

TEST_F(Descriptors, InputAndOutputThatDoNotBlockAreWhole) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "The whale " + std::to_string(i) + "\n";
  const Result wanted = xlstm({"tokenize"}, {.input = text});
  ASSERT_GT(wanted.out.size(), std::size_t{1} << 20);  // far more than a pipe holds
  const Result got = xlstm({"tokenize"}, {.input = text, .blocks = false});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_TRUE(got.out == wanted.out) << got.out.size() << " of " << wanted.out.size();
}

class WriteWhole : public ::testing::Test {
 protected:
  void SetUp() override {
    apps::catch_interrupts();
    apps::clear_interrupt();
    ASSERT_EQ(pipe(ends_.data()), 0);
    fcntl(ends_[1], F_SETFL, O_NONBLOCK);
  }
  void TearDown() override {
    apps::clear_interrupt();
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  // Reads until the end.
  std::string drain() {
    std::string text;
    std::array<char, 1000> block;
    for (ssize_t got; (got = read(ends_[0], block.data(), block.size())) > 0;) {
      text.append(block.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  std::array<int, 2> ends_ = {-1, -1};
};

TEST_F(WriteWhole, WaitsForTheReader) {
  const std::string text(1'000'000, 'x');
  apps::Written written = apps::Written::kFailed;
  std::thread writer([&] {
    written = apps::write_whole(ends_[1], text);
    close(ends_[1]);
    ends_[1] = -1;
  });
  EXPECT_EQ(drain(), text);
  writer.join();
  EXPECT_EQ(written, apps::Written::kAll);
}

// Whether the pipe blocks or not: nobody reads.
TEST_F(WriteWhole, CtrlCEndsTheWait) {
  for (const int flags : {O_NONBLOCK, 0}) {
    fcntl(ends_[1], F_SETFL, flags);
    std::thread presser([main = pthread_self()] { pthread_kill(main, SIGINT); });
    EXPECT_EQ(apps::write_whole(ends_[1], std::string(1'000'000, 'x')),
              apps::Written::kInterrupted);
    presser.join();
    apps::clear_interrupt();
  }
}

TEST_F(WriteWhole, AfterCtrlCWritesWhatIsTakenAtOnce) {
  raise(SIGINT);
  EXPECT_EQ(apps::write_whole(ends_[1], "the end"), apps::Written::kAll);
  close(ends_[1]);
  ends_[1] = -1;
  EXPECT_EQ(drain(), "the end");
}

TEST_F(WriteWhole, SaysWhatFails) {
  signal(SIGPIPE, SIG_IGN);
  close(ends_[0]);
  ends_[0] = -1;
  EXPECT_EQ(apps::write_whole(ends_[1], "x"), apps::Written::kFailed);
  EXPECT_EQ(errno, EPIPE);
}

// What had been answered when Ctrl-C came is not awaited, and the exit code says so.
TEST_F(Descriptors, CtrlCLeavesAProgramThatNobodyReads) {
  const auto text = write("text.txt", std::string(2'000'000, 'x'));
  Process process(command({"tokenize", "--file", text}), Process::Streams::kPipes);
  process.read_until(" ");  // it writes, and we read no more
  process.send(SIGINT);
  EXPECT_EQ(process.wait(), 130);
}

// The two ends of a terminal of which the other one is gone, which gives EIO: as standard `number`.
int with_half_a_terminal(int number, const std::function<bool()>& holds) {
  return wait_for(start_child([&] {
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) return 2;
    const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    if (dup2(number == STDIN_FILENO ? master : slave, number) != number) return 2;
    close(slave);
    close(master);
    return holds() ? 0 : 1;
  }));
}

TEST_F(Descriptors, ATerminalThatHungUpIsTheEndOfInput) {
  EXPECT_EQ(with_half_a_terminal(STDIN_FILENO, [] { return !apps::read_line(); }), 0);
}

TEST_F(Descriptors, ATerminalThatHungUpIsAReaderThatIsGone) {
  EXPECT_EQ(with_half_a_terminal(STDOUT_FILENO,
                                 [] { return !(apps::write_out("text") && apps::flush_out()); }),
            0);
}

}  // namespace
}  // namespace xlstm::testing
