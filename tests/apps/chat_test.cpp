// The chat through a pipe: each line is a turn.
#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Chat : public CommandLine {
 protected:
  Result chat(const std::string& input, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"chat", "--temperature", "0", "-n", "8"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return xlstm(arguments, {.input = input});
  }
  // The answers alone.
  std::string answers(const std::string& input) const {
    const Result result = chat(input);
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  }
};

TEST_F(Chat, CarriesTheStateOverTurns) {
  const std::string one = answers("Alice was\n");
  const std::string both = answers("Alice was\n beginning to\n");
  EXPECT_TRUE(both.starts_with(one));
  // The second turn knows the first: alone it goes on otherwise.
  EXPECT_NE(both.substr(one.size()), answers(" beginning to\n"));
}

TEST_F(Chat, GenerateInteractiveIsTheSame) {
  const Result result = xlstm({"generate", "--interactive", "--temperature", "0", "-n", "8"},
                              {.input = "Alice was\n"});
  EXPECT_EQ(result.out, answers("Alice was\n"));
}

TEST_F(Chat, ResetForgets) {
  const std::string once = answers("Alice was\n");
  EXPECT_EQ(answers("Alice was\n/reset\nAlice was\n"), once + once);
  EXPECT_NE(answers("Alice was\nAlice was\n"), once + once);
}

TEST_F(Chat, UndoTakesTurnsBack) {
  const std::string two = answers("Alice was\n The whale\n");
  const std::string one = answers("Alice was\n");
  EXPECT_EQ(answers("Alice was\n A ship\n/undo\n The whale\n"),
            answers("Alice was\n A ship\n") + two.substr(one.size()));
  EXPECT_EQ(answers("Alice was\n A ship\n/undo\n/undo\nAlice was\n"),
            answers("Alice was\n A ship\n") + one);
}

TEST_F(Chat, ForksGoTheirOwnWays) {
  const std::string one = answers("Alice was\n");
  const std::string whale = answers("Alice was\n The whale\n").substr(one.size());
  const std::string ship = answers("Alice was\n A ship\n").substr(one.size());
  EXPECT_EQ(answers("Alice was\n/fork\n A ship\n/switch main\n The whale\n"), one + ship + whale);
  EXPECT_EQ(answers("Alice was\n/fork b\n/switch main\n A ship\n/switch b\n The whale\n"),
            one + ship + whale);
}

TEST_F(Chat, SwitchGoesBackToTheBranchBefore) {
  const std::string one = answers("Alice was\n");
  const std::string whale = answers("Alice was\n The whale\n").substr(one.size());
  const std::string ship = answers("Alice was\n A ship\n").substr(one.size());
  EXPECT_EQ(answers("Alice was\n/fork\n A ship\n/switch\n The whale\n"), one + ship + whale);
  const Result result = chat("/fork a\n/fork b\n/switch main\n/switch\n/switch\n/branches\n");
  EXPECT_THAT(result.err, HasSubstr("now in b, position 0\nnow in main, position 0\n"));
  EXPECT_THAT(result.err, HasSubstr("  a, position 0\n  b, position 0\n* main, position 0\n"));
  EXPECT_TRUE(is_one_line_error(chat("/switch\n"), 2, "[/switch] wanted a branch to go back to"));
}

// Also nothing but line ends where two answers meet.
std::string in_one_piece(std::string text) {
  std::erase(text, '\n');
  return text;
}

TEST_F(Chat, ContinueGoesOnWithoutNewText) {
  const Result whole = xlstm({"generate", "--temperature", "0", "-n", "24", "-p", "Alice was"});
  EXPECT_EQ(in_one_piece(answers("Alice was\n/continue\n/continue\n")), in_one_piece(whole.out));
  // A text is read, a state loaded: both can be gone on with.
  const std::string state = file("a.state").string();
  const std::string one = answers("Alice was\n/save " + state + "\n");
  EXPECT_EQ(one + answers("/load " + state + "\n/continue\n"), answers("Alice was\n/continue\n"));
  const std::string more = answers("Alice was\n/continue\n").substr(one.size());
  EXPECT_EQ(answers("Alice was\n/continue\n/undo\n/continue\n"), one + more + more);
}

TEST_F(Chat, EmptyLinesOfAPipeAskForNothing) {
  EXPECT_EQ(answers("\nAlice was\n\n\n The whale\n\n"), answers("Alice was\n The whale\n"));
}

TEST_F(Chat, RegenerateAnswersAgain) {
  const std::string one = answers("Alice was\n");
  const std::string whale = answers("Alice was\n The whale\n").substr(one.size());
  EXPECT_EQ(answers("Alice was\n/regenerate\n The whale\n"), one + one + whale);
  EXPECT_EQ(answers("Alice was\n The whale\n/regenerate\n/undo\n The whale\n"),
            one + whale + whale + whale);
  const std::string more = answers("Alice was\n/continue\n").substr(one.size());
  EXPECT_EQ(answers("Alice was\n/continue\n/regenerate\n"), one + more + more);
}

TEST_F(Chat, RegenerateTakesAnotherSeedUnlessItIsFixed) {
  const auto twice = [this](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"chat", "--temperature", "1", "-n", "40"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = xlstm(arguments, {.input = "Alice was\n/regenerate\n"});
    EXPECT_EQ(result.code, 0) << result.err;
    return result.out;
  };
  const std::string fixed = twice({"--seed", "5"});
  EXPECT_EQ(fixed.substr(0, fixed.size() / 2), fixed.substr(fixed.size() / 2));
  const std::string free = twice({});
  EXPECT_NE(free.substr(0, free.size() / 2), free.substr(free.size() / 2));
}

TEST_F(Chat, RegenerateSaysWhereThereIsNothing) {
  const std::string wanted = "[/regenerate] wanted an answer to take back, got none";
  EXPECT_TRUE(is_one_line_error(chat("/regenerate\n"), 2, wanted));
  EXPECT_THAT(chat("Alice was\n/reset\n/regenerate\n").err, HasSubstr(wanted));
  EXPECT_THAT(chat("Alice was\n/undo\n/regenerate\n").err, HasSubstr(wanted));
}

TEST_F(Chat, SavesAndLoads) {
  const std::string state = file("a.state").string();
  const std::string one = answers("Alice was\n");
  const std::string two = answers("Alice was\n The whale\n");
  EXPECT_EQ(answers("Alice was\n/save " + state + "\n"), one);
  EXPECT_EQ(answers("/load " + state + "\n The whale\n"), two.substr(one.size()));
  EXPECT_EQ(chat(" The whale\n", {"--load-state", state}).out, two.substr(one.size()));
  EXPECT_EQ(chat("Alice was\n", {"--save-state", file("b.state").string()}).code, 0);
  EXPECT_EQ(chat(" The whale\n", {"--load-state", file("b.state").string()}).out,
            two.substr(one.size()));
}

TEST_F(Chat, TakesTurnsOfSeveralLines) {
  const std::string block = answers("\"\"\"\nAlice was\nbeginning\n\"\"\"\n");
  EXPECT_EQ(answers("Alice was\\\nbeginning\n"), block);
  EXPECT_EQ(answers("\"\"\"Alice was\nbeginning\"\"\"\n"), block);
  const Result whole =
      xlstm({"generate", "--temperature", "0", "-n", "8", "-p", "Alice was\nbeginning"});
  EXPECT_EQ(block, whole.out);
}

TEST_F(Chat, SlashesThatAreText) {
  const Result whole = xlstm({"generate", "--temperature", "0", "-n", "8", "-p", "/help"});
  EXPECT_EQ(answers("//help\n"), whole.out);
}

TEST_F(Chat, TheFirstTurnMayBeAnOption) {
  EXPECT_EQ(chat(" The whale\n", {"--prompt", "Alice was"}).out,
            answers("Alice was\n The whale\n"));
}

TEST_F(Chat, CommandsSpeakOnStandardError) {
  const Result result = chat("/help\n/frobnicate\n/stats\n/branches\n/quit\nAlice was\n");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, HasSubstr("/undo"));
  EXPECT_THAT(result.err, HasSubstr("unknown command \"/frobnicate\""));
  EXPECT_THAT(result.err, HasSubstr("0 tokens read"));
  EXPECT_THAT(result.err, HasSubstr("* main"));
}

TEST_F(Chat, AnErrorEndsAScript) {
  EXPECT_TRUE(is_one_line_error(chat("/undo\nAlice was\n"), 2, "[/undo]"));
  EXPECT_TRUE(is_one_line_error(chat("/load\n"), 2, "[/load] wanted a file name, got nothing"));
  EXPECT_TRUE(is_one_line_error(chat("/load " + file("none").string() + "\n"), 3, "none"));
  EXPECT_TRUE(is_one_line_error(chat("/fork main\n"), 2, "[/fork]"));
  EXPECT_TRUE(is_one_line_error(chat("/switch x\n"), 2, "[/switch]"));
  EXPECT_TRUE(is_one_line_error(chat("\xff\n"), 2, "wanted UTF-8"));
}

TEST_F(Chat, CommandsTakeOnlyWhatTheyUse) {
  for (const std::string name :
       {"/continue", "/regenerate", "/branches", "/reset", "/undo", "/stats", "/help", "/quit"}) {
    EXPECT_TRUE(
        is_one_line_error(chat(name + " now\n"), 2, "wanted nothing after it, got \"now\""));
  }
  for (const std::string name : {"a b", "a\tb", "a\x1b[31m", "\xff", "a\x7f"}) {
    EXPECT_TRUE(
        is_one_line_error(chat("/fork " + name + "\n"), 2, "[/fork] wanted a name without"));
  }
  EXPECT_THAT(chat("/fork caf\xC3\xA9\n/branches\n").err, HasSubstr("* caf\xC3\xA9, position 0"));
}

TEST_F(Chat, StatisticsAfterEachTurn) {
  const Result result = chat("Alice was\n", {"--stats"});
  EXPECT_THAT(result.err, HasSubstr("tokens/s"));
  EXPECT_THAT(result.err, HasSubstr("position"));
}

}  // namespace
}  // namespace xlstm::testing
