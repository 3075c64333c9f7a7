// The chat as a person meets it: a terminal, keys, signals.
#include <signal.h>

#include <random>

#include "command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Terminal : public CommandLine {
 protected:
  std::map<std::string, std::string> environment() const {
    return {{"XDG_STATE_HOME", folder_.string()}, {"TERM", "xterm"}, {"LC_ALL", "C.UTF-8"}};
  }
  // Leaves with Ctrl-D.
  static void leave(Process& process) {
    process.read_until("> ");
    leave_at_prompt(process);
  }
  static void leave_at_prompt(Process& process) {
    process.write("\x04");
    process.read_all();
    EXPECT_EQ(process.wait(), 0);
  }
};

TEST_F(Terminal, CtrlCStopsTheAnswerAndKeepsTheSession) {
  Process process(command({"chat", "-n", "100000000", "--ignore-eos"}), Process::Streams::kTerminal,
                  environment());
  process.read_until("> ");
  process.write("Once upon a time\r");
  process.read_until("time\r\n");  // the echo
  process.read_until(" the ");
  process.write("\x03");
  process.read_until("> ");
  process.write("/stats\r");
  EXPECT_THAT(process.read_until("tokens read"), HasSubstr("tokens read"));
  leave(process);
}

TEST_F(Terminal, CtrlCDropsTheLineAndCtrlDLeaves) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
  process.read_until("> ");
  process.write("/quit");
  process.read_until("/quit");
  process.write("\x03");
  process.read_until("Ctrl-D or /quit leaves");
  process.read_until("> ");
  process.write("/switch\r");
  EXPECT_THAT(process.read_until("* main, position 0"), HasSubstr("* main, position 0"));
  leave(process);
}

// No matter how a Ctrl-C falls between the editor's looks at the keys.
TEST_F(Terminal, CtrlCIsNeverSleptOver) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
  process.read_until("> ");
  for (int time = 0; time < 50; ++time) {
    process.write("/");
    process.read_until("/");
    process.write("\x03");
    process.read_until("Ctrl-D or /quit leaves");
    process.read_until("> ");
  }
  leave_at_prompt(process);
}

TEST_F(Terminal, SignalsAreNeverSleptOver) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
  process.read_until("> ");
  for (int time = 0; time < 50; ++time) {
    process.write("/");
    process.read_until("/");
    process.send(SIGINT);
    process.read_until("Ctrl-D or /quit leaves");
    process.read_until("> ");
  }
  leave_at_prompt(process);
}

TEST_F(Terminal, KeysTakeTheirTurns) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
  process.read_until("> ");
  // One at a time: right after a prompt is shown the first may still be a signal, and two leave.
  process.write("/quit\x03");
  process.read_until("> ");
  process.write("\x03");
  process.read_until("> ");
  process.write("/switch\r\x04");
  EXPECT_THAT(process.read_all(), HasSubstr("* main, position 0"));
  EXPECT_EQ(process.wait(), 0);
}

// While the model loads, the keys still go to the terminal itself.
TEST_F(Terminal, KeysBeforeThePromptAreKept) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
  process.write("/switch\r\x04");
  EXPECT_THAT(process.read_all(), HasSubstr("* main, position 0"));
  EXPECT_EQ(process.wait(), 0);
}

TEST_F(Terminal, CtrlCBeforeThePromptLeavesOrIsAnswered) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
  process.read_until("Loading");
  process.write("\x03");
  process.send(SIGTERM);
  process.read_all();
  EXPECT_THAT(process.wait(), ::testing::AnyOf(128 + SIGINT, 128 + SIGTERM));
}

TEST_F(Terminal, SigtermSavesAndLeaves) {
  const std::string state = file("one.state").string();
  Process process(command({"chat", "-n", "4", "--save-state", state}), Process::Streams::kTerminal,
                  environment());
  process.read_until("> ");
  process.write("Alice was\r");
  process.read_until("\n> ");
  process.send(SIGTERM);
  process.read_all();
  EXPECT_EQ(process.wait(), 128 + SIGTERM);
  EXPECT_FALSE(read_file(state).empty());
}

TEST_F(Terminal, TheTerminalIsLeftAsItWasFound) {
  Process process({"/bin/sh", "-c", XLSTM_PROGRAM " chat; stty -a"}, Process::Streams::kTerminal,
                  environment());
  process.read_until("> ");
  process.write("\x04");
  EXPECT_THAT(process.read_all(), ::testing::ContainsRegex("[^-]icanon.*[^-]echo "));
}

TEST_F(Terminal, ErrorsKeepTheSession) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
  process.read_until("> ");
  process.write("/load nowhere\r");
  process.read_until("xlstm: [nowhere]");
  process.read_until("> ");
  process.write("/save nowhere/a.state\r");
  process.read_until("xlstm: [nowhere/a.state]");
  process.read_until("> ");
  process.write("/reset now\r");
  process.read_until("xlstm: [/reset]");
  leave(process);
}

TEST_F(Terminal, RemembersLines) {
  {
    Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
    process.read_until("> ");
    process.write("/switch\r");
    process.read_until("* main");
    leave(process);
  }
  EXPECT_THAT(read_file(file("xlstm/history")), HasSubstr("/switch"));
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
  process.read_until("> ");
  process.write("\x10\r");  // Ctrl-P: the line before
  EXPECT_THAT(process.read_until("* main"), HasSubstr("* main"));
  leave(process);
}

TEST_F(Terminal, TheTerminalsEndEndsTheProgram) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, environment());
  process.read_until("> ");
  process.close_output();
  // SIGHUP, or the end of input if it comes first.
  EXPECT_THAT(process.wait(), ::testing::AnyOf(0, 3, 128 + SIGHUP));
}

TEST_F(Terminal, GenerateShowsAProgressBarOnlyThere) {
  Process process(command({"generate", "-p", "The", "-n", "2"}), Process::Streams::kTerminal,
                  environment());
  EXPECT_THAT(process.read_all(), HasSubstr("Loading ["));
  EXPECT_EQ(process.wait(), 0);
  EXPECT_THAT(xlstm({"generate", "-p", "The", "-n", "2"}).err, IsEmpty());
}

TEST_F(Terminal, ALongPromptShowsAProgressBarToo) {
  std::string text;
  while (text.size() < 60'000) text += "It was the best of times, it was the worst of times. ";
  const std::string prompt = write("long.txt", text).string();
  Process process(command({"generate", "--prompt-file", prompt, "-n", "2"}),
                  Process::Streams::kTerminal, environment());
  EXPECT_THAT(process.read_all(), HasSubstr("Reading ["));
  EXPECT_EQ(process.wait(), 0);
  EXPECT_THAT(xlstm({"generate", "--prompt-file", prompt, "-n", "2"}).err, IsEmpty());
}

// One word of so many letters takes far longer to tokenise than a key takes to come.
TEST_F(Terminal, CtrlCStopsTokenising) {
  std::string text;
  std::mt19937 random(3);
  while (text.size() < (4U << 20)) text += static_cast<char>('a' + random() % 26);
  const std::string file = write("long.txt", text).string(), state = folder_ / "state";
  struct Case {
    std::vector<std::string> arguments;
    std::string bar;
  };
  for (const auto& [arguments, bar] :
       {Case{{"tokenize", "--file", file}, "Tokenising ["},
        Case{{"perplexity", "--file", file}, "Tokenising ["},
        Case{{"generate", "--prompt-file", file, "--save-state", state}, "Reading ["}}) {
    Process process(command(arguments), Process::Streams::kTerminal, environment());
    process.read_until(bar);
    process.write("\x03");
    EXPECT_EQ(process.wait(), 130) << arguments.front();
  }
  EXPECT_FALSE(std::filesystem::exists(state));
}

TEST_F(Terminal, GenerateWithoutAPromptSaysWhatItWants) {
  Process process(command({"generate"}), Process::Streams::kTerminal, environment());
  EXPECT_THAT(process.read_all(), HasSubstr("wanted --prompt TEXT"));
  EXPECT_EQ(process.wait(), 2);
}

}  // namespace
}  // namespace xlstm::testing
