// The line editor as a person meets it: a terminal, keys, job control.
#include <signal.h>

#include <algorithm>

#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCtrlC[] = "\x03";
constexpr char kCtrlD[] = "\x04";
constexpr char kCtrlZ[] = "\x1a";
constexpr char kEscape[] = "\x1b";

std::string pasted(const std::string& text) {
  return "\x1b[200~" + text + "\x1b[201~";
}

class LineEditing : public CommandLine {
 protected:
  static void leave(Process& process) {
    process.read_until("> ");
    process.write(kCtrlD);
    process.read_all();
    EXPECT_EQ(process.wait(), 0);
  }
  std::vector<std::string> chat() const { return command({"chat", "-n", "4"}); }

  // The name of a fork is told as it arrived.
  void expect_arrives(const std::string& name, const std::string& keys) const {
    Process process(chat(), Process::Streams::kTerminal, terminal_environment());
    process.read_until("> ");
    process.write("/fork " + keys + "\r");
    process.read_until("now in " + name + "; /switch goes back");
    process.write("/switch\r");
    process.read_until("now in main");
    leave(process);
  }
};

// Letters in an order that shows what is lost.
std::string letters(std::size_t count) {
  std::string text;
  for (int number = 0; text.size() < count; ++number) text += std::to_string(number) + "x";
  text.resize(count);
  return text;
}

TEST_F(LineEditing, FiveThousandTypedCharactersArrive) {
  const std::string name = letters(5000);
  expect_arrives(name, name);
}

TEST_F(LineEditing, AHundredThousandCharactersArriveTypedOrPasted) {
  const std::string name = letters(100'000);
  expect_arrives(name, name);
  expect_arrives(name, pasted(name));
  expect_arrives("y" + name, pasted(name) + "\x01\x1b[C" + "\x1b[1;5C" + " y\x04");
}

TEST_F(LineEditing, AMillionCharactersArrive) {
  const std::string name = letters(1'000'000);
  expect_arrives(name, pasted(name));
}

TEST_F(LineEditing, LongLinesOutliveTheHistory) {
  const std::string name = letters(5000);
  expect_arrives(name, name + "\x10\x0e");
}

TEST_F(LineEditing, APastedTextOfSeveralLinesIsOneTurn) {
  const std::vector<std::string> options = {"-n", "8", "--temperature", "0"};
  std::vector<std::string> arguments = {"chat"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  Process process(command(arguments), Process::Streams::kTerminal, terminal_environment());
  process.read_until("> ");
  process.write(pasted("Alice was\r\tbeginning\r\nto get") + "\r");
  arguments = {"generate", "-p", "Alice was\n\tbeginning\nto get"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  std::string answer = xlstm(arguments).out;
  for (std::size_t at = 0; (at = answer.find('\n', at)) != std::string::npos; at += 2) {
    answer.insert(at, "\r");
  }
  const std::string shown = process.read_until(answer);
  EXPECT_THAT(shown, HasSubstr("> Alice was\r\n        beginning\r\nto get"));
  EXPECT_THAT(shown, HasSubstr("\x1b[?2004h"));
  leave(process);
  EXPECT_THAT(content_of(file("xlstm/history")), HasSubstr("Alice\\040was\\012\\011beginning"));
}

// No locale of the system is needed for UTF-8.
TEST_F(LineEditing, TextAndFileNamesAreUtf8InEveryLocale) {
  for (const std::string locale : {"C", "POSIX", "nowhere.UTF-8"}) {
    const std::string state = file("\xC3\xA9\xE6\x97\xA5" + locale + ".state").string();
    Process process(command({"chat", "-n", "0"}), Process::Streams::kTerminal,
                    terminal_environment(locale));
    process.read_until("> ");
    process.write("d\xC3\xA9j\xC3\xA0 \xE6\x97\xA5\xE6\x9C\xAC\r");
    process.read_until("d\xC3\xA9j\xC3\xA0 \xE6\x97\xA5\xE6\x9C\xAC\r\n");
    process.read_until("> ");
    process.write("/save " + state + "\r");
    process.read_until("saved at position");
    leave(process);
    EXPECT_FALSE(content_of(state).empty());
    EXPECT_THAT(content_of(file("xlstm/history")),
                HasSubstr("d\xC3\xA9j\xC3\xA0\\040\xE6\x97\xA5"));
  }
}

TEST_F(LineEditing, TabIsText) {
  Process process(chat(), Process::Streams::kTerminal, terminal_environment());
  process.read_until("> ");
  process.write("/fork a\tb\r");
  process.read_until("got \"a\\x09b\"");
  leave(process);
}

TEST_F(LineEditing, TabCompletesCommandsAndFiles) {
  write("only-one.state", "no state");
  Process process(chat(), Process::Streams::kTerminal, terminal_environment());
  process.read_until("> ");
  process.write("/bra\t\r");
  process.read_until("* main, position 0");
  process.read_until("> ");
  process.write("/re\t");
  process.read_until("/regenerate  /reset");
  process.write(kCtrlC);
  process.read_until("leaves\r\n");
  process.read_until("> ");
  process.write("/load " + file("only").string() + "\t\r");
  process.read_until("[" + file("only-one.state").string() + "]");
  leave(process);
}

TEST_F(LineEditing, TwoChatsKeepTheHistoryOfBoth) {
  Process one(chat(), Process::Streams::kTerminal, terminal_environment());
  Process two(chat(), Process::Streams::kTerminal, terminal_environment());
  one.read_until("> ");
  two.read_until("> ");
  one.write("/fork first\r");
  one.read_until("now in first");
  two.write("/fork second\r");
  two.read_until("now in second");
  leave(one);
  leave(two);
  const std::string history = content_of(file("xlstm/history"));
  EXPECT_THAT(history, HasSubstr("/fork\\040first\n"));
  EXPECT_THAT(history, HasSubstr("/fork\\040second\n"));
}

class JobControl : public LineEditing {
 protected:
  // A shell that says when its job has stopped, and goes on with it.
  std::vector<std::string> shell(const std::string& options) const {
    const std::string program = XLSTM_PROGRAM;
    return {"/bin/sh", "-c",
            "set -m; " + program + " chat " + options +
                "; echo STOP''PED; stty -a; fg >/dev/null; echo L''EFT; stty -a"};
  }
};

TEST_F(JobControl, CtrlZAtThePromptAndFg) {
  Process process(shell("-n 4"), Process::Streams::kTerminal, terminal_environment());
  process.read_until("> ");
  process.write("branches" + std::string(kCtrlZ));
  process.read_until("STOPPED");
  process.read_until(" icanon");  // the shell's mode, not the editor's
  process.read_until("> branches");
  process.write("\x01/\r");  // the editor's keys work
  process.read_until("* main, position 0");
  process.read_until("> ");
  process.write(kCtrlD);
  process.read_until("LEFT");
  EXPECT_THAT(process.read_until(" icanon"), HasSubstr("\x1b[?2004l"));
}

TEST_F(JobControl, CtrlZDuringAnAnswerAndFg) {
  Process process(shell("-n 100000000 --ignore-eos"), Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("> ");
  process.write("Once upon a time\r");
  process.read_until("time\r\n");
  process.read_until(" the ");
  process.write(kCtrlZ);
  process.read_until("STOPPED");
  process.read_until(" icanon");
  process.read_until(" the ");
  process.write(kCtrlC);
  process.read_until("> ");
  process.write("branches\x01/\r");
  process.read_until("* main, position");
  process.read_until("> ");
  process.write(kCtrlD);
  process.read_until("LEFT");
}

// Whoever stopped it, and however the terminal is then.
TEST_F(LineEditing, SigcontDrawsThePromptAgain) {
  Process process(chat(), Process::Streams::kTerminal, terminal_environment());
  process.read_until("> ");
  process.write("branches");
  process.read_until("branches");
  process.send(SIGSTOP);
  process.send(SIGCONT);
  process.read_until("> branches");
  process.write("\x01/\r");
  process.read_until("* main, position 0");
  leave(process);
}

TEST_F(JobControl, SigquitLeavesTheTerminalAsItWas) {
  const std::string program = XLSTM_PROGRAM;
  Process process({"/bin/sh", "-c", "trap : QUIT; ulimit -c 0; " + program + " chat; stty -a"},
                  Process::Streams::kTerminal, terminal_environment());
  process.read_until("> ");
  process.send_to_all(SIGQUIT);
  process.read_until("\x1b[?2004l");
  EXPECT_THAT(process.read_all(), ::testing::ContainsRegex("[^-]icanon.*[^-]echo "));
}

TEST_F(LineEditing, ViModeKnowsCtrlCAfterEscape) {
  write("editrc", "bind -v\n");
  Process process(chat(), Process::Streams::kTerminal, terminal_environment());
  process.read_until("> ");
  process.write("/quit" + std::string(kEscape) + kCtrlC);
  process.read_until("Ctrl-D or /quit leaves");
  process.read_until("> ");
  process.write("/quit" + std::string(kEscape));
  process.read_until("\r\x1b[6C");  // the cursor goes back onto the last letter
  process.write(kCtrlC);
  process.read_until("Ctrl-D or /quit leaves");
  process.read_until("> ");
  process.write("branchesx" + std::string(kEscape) + "x0i/\r");
  process.read_until("* main, position 0");
  leave(process);
}

TEST_F(LineEditing, AnEmptyLineLetsTheAnswerGoOn) {
  Process process(command({"chat", "-n", "4", "--temperature", "0"}), Process::Streams::kTerminal,
                  terminal_environment());
  process.read_until("> ");
  process.write("Alice was\r");
  process.read_until("was\r\n");
  process.read_until("> ");
  process.write("\r");
  process.read_until("\r\n");
  process.read_until("> ");
  process.write("/stats\r");
  process.read_until("prompt       0 tokens");
  leave(process);
}

TEST_F(LineEditing, FollowsTheTerminalsWidth) {
  Process process(chat(), Process::Streams::kTerminal, terminal_environment());
  process.read_until("> ");
  process.write("0123456789abcdefghij");
  process.read_until("0123456789abcdefghij");
  process.resize(12);
  process.read_until("> 0123456789\r\nabcdefghij");
  process.resize(40);
  process.read_until("> 0123456789abcdefghij");
  process.write(kCtrlC);
  leave(process);
}

TEST_F(LineEditing, AnErrorStreamThatIsNoTerminalGetsNoKeys) {
  const std::string log = file("log").string();
  Process process({"/bin/sh", "-c", XLSTM_PROGRAM " chat -n 4 2>" + log},
                  Process::Streams::kTerminal, terminal_environment());
  process.write("/branches\n\x04");
  process.read_all();
  EXPECT_EQ(process.wait(), 0);
  EXPECT_THAT(content_of(log), HasSubstr("* main, position 0"));
  EXPECT_THAT(content_of(log), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace xlstm::testing
