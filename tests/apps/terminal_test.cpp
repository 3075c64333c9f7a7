// The chat as a person meets it: a terminal, keys, signals.
#include <signal.h>

#include <random>

#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Terminal : public CommandLine {
 protected:
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
                  terminal_environment());
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
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("> ");
  process.write("/quit");
  process.read_until("/quit");
  process.write("\x03");
  process.read_until("Ctrl-D or /quit leaves");
  process.read_until("> ");
  process.write("/branches\r");
  EXPECT_THAT(process.read_until("* main, position 0"), HasSubstr("* main, position 0"));
  leave(process);
}

// No matter how a Ctrl-C falls between the editor's looks at the keys.
TEST_F(Terminal, CtrlCIsNeverSleptOver) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                  terminal_environment());
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
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                  terminal_environment());
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
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("> ");
  // One at a time: right after a prompt is shown the first may still be a signal, and two leave.
  process.write("/quit\x03");
  process.read_until("> ");
  process.write("\x03");
  process.read_until("> ");
  process.write("/branches\r\x04");
  EXPECT_THAT(process.read_all(), HasSubstr("* main, position 0"));
  EXPECT_EQ(process.wait(), 0);
}

// While the model loads, the keys still go to the terminal itself.
TEST_F(Terminal, KeysBeforeThePromptAreKept) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                  terminal_environment());
  process.write("/branches\r\x04");
  EXPECT_THAT(process.read_all(), HasSubstr("* main, position 0"));
  EXPECT_EQ(process.wait(), 0);
}

TEST_F(Terminal, CtrlCBeforeThePromptLeavesOrIsAnswered) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("Loading");
  process.write("\x03");
  process.send(SIGTERM);
  process.read_all();
  EXPECT_THAT(process.wait(), ::testing::AnyOf(128 + SIGINT, 128 + SIGTERM));
}

TEST_F(Terminal, SigtermSavesAndLeaves) {
  const std::string state = file("one.state").string();
  Process process(command({"chat", "-n", "4", "--save-state", state}), Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("> ");
  process.write("Alice was\r");
  process.read_until("was\r\n");
  process.read_until("> ");
  process.send(SIGTERM);
  process.read_all();
  EXPECT_EQ(process.wait(), 128 + SIGTERM);
  EXPECT_FALSE(content_of(state).empty());
}

TEST_F(Terminal, TheTerminalIsLeftAsItWasFound) {
  Process process({"/bin/sh", "-c", XLSTM_PROGRAM " chat; stty -a"}, Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("> ");
  process.write("\x04");
  EXPECT_THAT(process.read_all(), ::testing::ContainsRegex("[^-]icanon.*[^-]echo "));
}

TEST_F(Terminal, ErrorsKeepTheSession) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                  terminal_environment());
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
    Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                    terminal_environment());
    process.read_until("> ");
    process.write("/branches\r");
    process.read_until("* main");
    leave(process);
  }
  EXPECT_THAT(content_of(file("xlstm/history")), HasSubstr("/branches"));
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("> ");
  process.write("\x10\r");  // Ctrl-P: the line before
  EXPECT_THAT(process.read_until("* main"), HasSubstr("* main"));
  leave(process);
}

TEST_F(Terminal, TheTerminalsEndEndsTheProgram) {
  Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("> ");
  process.close_output();
  // SIGHUP, or the end of input if it comes first.
  EXPECT_THAT(process.wait(), ::testing::AnyOf(0, 3, 128 + SIGHUP));
}

TEST_F(Terminal, GenerateShowsAProgressBarOnlyThere) {
  Process process(command({"generate", "-p", "The", "-n", "2"}), Process::Streams::kTerminal,
                  terminal_environment());
  EXPECT_THAT(process.read_all(), HasSubstr("Loading ["));
  EXPECT_EQ(process.wait(), 0);
  EXPECT_THAT(xlstm({"generate", "-p", "The", "-n", "2"}).err, IsEmpty());
}

// No row of a bar may be longer than the terminal: it would not be overwritten.
void expect_short_rows(const std::string& shown, std::size_t columns) {
  std::size_t start = 0;
  for (std::size_t i = 0; i <= shown.size(); ++i) {
    if (i < shown.size() && shown[i] != '\r' && shown[i] != '\n') continue;
    EXPECT_LT(i - start, columns) << shown.substr(start, i - start);
    start = i + 1;
  }
}

TEST_F(Terminal, TheProgressBarFitsIntoTwentyColumns) {
  Process process(command({"generate", "-p", "The", "-n", "1"}), Process::Streams::kTerminal,
                  terminal_environment(), 20);
  const std::string shown = process.read_all();
  EXPECT_EQ(process.wait(), 0);
  EXPECT_THAT(shown, HasSubstr("Loading [#"));
  EXPECT_THAT(shown, HasSubstr("\r                   \r"));  // and is gone
  expect_short_rows(shown, 20);
}

TEST_F(Terminal, ADumbTerminalGetsNoControlSequences) {
  for (const std::string name : {"dumb", ""}) {
    auto variables = terminal_environment();
    variables["TERM"] = name;
    Process process(command({"chat", "-n", "4"}), Process::Streams::kTerminal, variables);
    process.read_until("Loading [");
    process.read_until("> ");
    process.write("/branchess\x7f\r");
    process.read_until("* main, position 0");
    process.read_until("> ");
    process.write("/branch\x01x\x03");  // the cursor stays where it is seen
    process.read_until("Ctrl-D or /quit leaves");
    process.read_until("> ");
    process.write("\x04");
    EXPECT_EQ(process.read_all().find('\x1b'), std::string::npos);
    EXPECT_EQ(process.wait(), 0);
  }
}

TEST_F(Terminal, ALongPromptShowsAProgressBarToo) {
  std::string text;
  while (text.size() < 60'000) text += "It was the best of times, it was the worst of times. ";
  const std::string prompt = write("long.txt", text).string();
  Process process(command({"generate", "--prompt-file", prompt, "-n", "2"}),
                  Process::Streams::kTerminal, terminal_environment());
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
    Process process(command(arguments), Process::Streams::kTerminal, terminal_environment());
    process.read_until(bar);
    process.write("\x03");
    EXPECT_EQ(process.wait(), 130) << arguments.front();
  }
  EXPECT_FALSE(std::filesystem::exists(state));
}

TEST_F(Terminal, GenerateWithoutAPromptSaysWhatItWants) {
  Process process(command({"generate"}), Process::Streams::kTerminal, terminal_environment());
  EXPECT_THAT(process.read_all(), HasSubstr("wanted --prompt TEXT"));
  EXPECT_EQ(process.wait(), 2);
}

TEST_F(Terminal, CtrlSpaceAtAnEmptyPromptDoesNotLeave) {
  Process process(command({"chat", "-n", "1"}), Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("> ");
  process.write(std::string(1, '\0') + "/branches\r");
  process.read_until("main, position 0");
  leave(process);
}

// Whether Linux keeps it as the end of a line or the editor reads it as a key.
TEST_F(Terminal, CtrlDTypedBeforeThePromptLeaves) {
  Process process(command({"chat", "-n", "1"}), Process::Streams::kTerminal,
                  terminal_environment());
  leave_at_prompt(process);
}

}  // namespace
}  // namespace xlstm::testing
