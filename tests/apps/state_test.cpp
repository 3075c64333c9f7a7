#include <signal.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string without_line_end(std::string text) {
  if (!text.empty()) text.pop_back();
  return text;
}

class State : public CommandLine {
 protected:
  Result greedy(std::vector<std::string> more) const {
    std::vector<std::string> arguments = {"generate", "--temperature", "0", "--no-bos",
                                          "--ignore-eos"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return xlstm(arguments);
  }
  std::string state() const { return file("one.state").string(); }
};

TEST_F(State, SavedAndLoadedEqualsOneRun) {
  const Golden wanted = golden(1);
  // A border between two tokens: before a blank.
  const std::size_t border = wanted.prompt.find(" very tired");
  ASSERT_NE(border, std::string::npos);
  const Result first =
      greedy({"-p", wanted.prompt.substr(0, border), "-n", "0", "--save-state", state()});
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, "\n");
  const Result second =
      greedy({"-p", wanted.prompt.substr(border), "-n", "64", "--load-state", state()});
  EXPECT_EQ(second.out, wanted.greedy + "\n") << second.err;
}

TEST_F(State, ASessionInTwoProcessesEqualsOneInOne) {
  const Result one =
      xlstm({"chat", "--temperature", "0", "-n", "10"}, {.input = "Call me\n The whale\n"});
  const Result first = xlstm(
      {"generate", "--temperature", "0", "-n", "10", "-p", "Call me", "--save-state", state()});
  const Result second = xlstm(
      {"generate", "--temperature", "0", "-n", "10", "-p", " The whale", "--load-state", state()});
  EXPECT_EQ(first.out + second.out, one.out);
}

TEST_F(State, AnAnswerGoesOnWithoutAPrompt) {
  const Golden wanted = golden(1);
  ASSERT_EQ(greedy({"-p", wanted.prompt, "-n", "0", "--save-state", state()}).code, 0);
  const Result first = greedy({"-n", "30", "--load-state", state(), "--save-state", state()});
  const Result second = greedy({"-n", "34", "--load-state", state(), "-p", ""});
  EXPECT_EQ(without_line_end(first.out) + second.out, wanted.greedy + "\n") << second.err;
}

TEST_F(State, IsCopiedWhereNothingMoreIsRead) {
  const std::string copy = file("copy.state").string();
  ASSERT_EQ(greedy({"-p", "Once upon", "-n", "0", "--save-state", state()}).code, 0);
  ASSERT_EQ(greedy({"-n", "0", "--load-state", state(), "--save-state", copy}).code, 0);
  EXPECT_EQ(content_of(copy), content_of(state()));
}

TEST_F(State, AnInterruptWithinThePromptKeepsWhatWasReadAndSaysHowMuch) {
  // The book again and again: Ctrl-C comes long before its end.
  const std::string book = content_of(std::filesystem::path(XLSTM_TEST_DATA) / "books/alice.txt");
  std::string text;
  while (text.size() < (1U << 20)) text += book;
  Process process(command({"generate", "--threads", "1", "--prompt-file",
                           write("long.txt", text).string(), "--save-state", state()}),
                  Process::Streams::kTerminal);
  process.read_until("Reading");
  process.read_until("  3%");  // tokenising, of which nothing is kept, is the first
  process.send(SIGINT);
  const std::string shown = process.read_all();
  EXPECT_THAT(shown, ::testing::ContainsRegex("read [0-9,]+ of [0-9,]+ tokens of the prompt"));
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  EXPECT_EQ(greedy({"-n", "3", "--load-state", state(), "-p", ""}).code, 0);
}

TEST_F(State, AnotherModelsStateIsRefused) {
  ASSERT_EQ(greedy({"-p", "The", "-n", "1", "--save-state", state()}).code, 0);
  std::string bytes = content_of(state());
  ASSERT_FALSE(bytes.empty());
  write("cut.state", bytes.substr(0, bytes.size() / 2));
  const Result cut = greedy({"-p", "The", "--load-state", file("cut.state").string()});
  EXPECT_TRUE(is_one_line_error(cut, 3, "cut.state"));
  EXPECT_TRUE(is_one_line_error(greedy({"-p", "The", "--load-state", file("none.state").string()}),
                                3, "none.state"));
  const std::string weights = (embedded_model() / "model-00001-of-00002.safetensors").string();
  EXPECT_TRUE(is_one_line_error(greedy({"-p", "The", "--load-state", weights}), 3, "safetensors"));
}

TEST_F(State, AFullDiskLeavesNothing) {
  fs::create_directory(file("disk"));
  const std::string path = (file("disk") / "a.state").string();
  const Result result =
      xlstm({"generate", "-p", "The", "-n", "1", "--save-state", path}, {.file_size_limit = 4096});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.err, HasSubstr("a.state"));
  EXPECT_TRUE(fs::is_empty(file("disk")));
}

TEST_F(State, AFailedSaveKeepsTheOldFile) {
  const std::string path = write("old.state", "old").string();
  const Result result =
      xlstm({"generate", "-p", "The", "-n", "1", "--save-state", path}, {.file_size_limit = 4096});
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(content_of(path), "old");
}

// Not after the work.
TEST_F(State, APlaceThatCannotBeWrittenIsRefusedAtTheStart) {
  fs::create_directory(file("folder"));
  for (const std::string place : {"none/a.state", "folder"}) {
    const std::string path = file(place).string();
    EXPECT_TRUE(
        is_one_line_error(xlstm({"generate", "-p", "The", "--save-state", path}), 3, place));
    EXPECT_TRUE(
        is_one_line_error(xlstm({"chat", "--save-state", path}, {.input = "The\n"}), 3, place));
  }
}

// What they lead to is a file that is being written to: replaced, it would be lost.
TEST_F(State, StreamsAreNoPlacesForFiles) {
  fs::create_symlink("/dev/fd/1", file("link"));
  const std::string out = write("out.txt", "");
  const RunOptions into_file = {.out_file = out};
  for (const std::string& place :
       {std::string("/dev/stdout"), std::string("/dev/fd/1"), file("link").string()}) {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"generate", "-p", "The", "-n", "2", "--save-state", place},
             {"chat", "-p", "The", "-n", "2", "--save-state", place},
             {"bench", "--synthetic", "tiny", "--prefill", "0", "--csv", place}}) {
      EXPECT_TRUE(is_one_line_error(xlstm(arguments, into_file), 3,
                                    "wanted a file to write, got a stream that is open"));
    }
  }
  EXPECT_EQ(content_of(out), "");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2);
}

TEST_F(State, AHyphenIsNoPlaceForAFile) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"generate", "-p", "The", "--save-state", "-"},
                                             {"bench", "--csv", "-"},
                                             {"convert", "classics-8m", "-", "--quantize", "4"}}) {
    EXPECT_TRUE(is_one_line_error(xlstm(arguments), 2, "wanted a file name (./- is one), got"));
  }
  EXPECT_TRUE(is_one_line_error(xlstm({"chat"}, {.input = "/save -\n"}), 2, "[/save] wanted"));
}

TEST_F(State, AnEmptyOneNeverReplacesOneThatHasReadSomething) {
  ASSERT_EQ(greedy({"-p", "The", "-n", "1", "--save-state", state()}).code, 0);
  const std::string before = content_of(state());
  const Result empty = xlstm({"chat", "--save-state", state()}, {.input = ""});
  EXPECT_EQ(empty.code, 0);
  EXPECT_EQ(empty.err, "nothing was read; " + state() + " stays as it was\n");
  EXPECT_EQ(
      xlstm({"chat", "--load-state", state(), "--save-state", state()}, {.input = "/reset\n"}).code,
      0);
  EXPECT_TRUE(is_one_line_error(xlstm({"chat"}, {.input = "/save " + state() + "\n"}), 2,
                                "wanted a state that has read something"));
  EXPECT_EQ(content_of(state()), before);
  // Nor does it harm elsewhere.
  const std::string other = file("new.state").string();
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(xlstm({"chat", "--save-state", other}, {.input = ""}).err, "");
  }
  EXPECT_EQ(greedy({"-p", "The", "-n", "1", "--load-state", other}).code, 0);
  EXPECT_EQ(xlstm({"chat", "-n", "1", "--save-state", other}, {.input = "The\n"}).err, "");
}

TEST_F(State, AFileKeepsItsPermissionsAndALinkStaysALink) {
  const std::string target = write("target", "old").string();
  fs::permissions(target, fs::perms(0600));
  fs::create_symlink("target", file("link"));
  ASSERT_EQ(greedy({"-p", "The", "-n", "1", "--save-state", file("link").string()}).code, 0);
  EXPECT_TRUE(fs::is_symlink(file("link")));
  EXPECT_EQ(fs::status(target).permissions(), fs::perms(0600));
  EXPECT_EQ(greedy({"-p", " and", "-n", "1", "--load-state", target}).code, 0);
}

TEST_F(State, TwoWritersOfOneFileLeaveOneWholeState) {
  const auto save = command({"generate", "-p", "The", "-n", "3", "--save-state", state()});
  Process one(save, Process::Streams::kPipes);
  Process two(save, Process::Streams::kPipes);
  one.close_input();
  two.close_input();
  EXPECT_EQ(one.wait(), 0);
  EXPECT_EQ(two.wait(), 0);
  EXPECT_EQ(greedy({"-p", " and", "-n", "1", "--load-state", state()}).code, 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(State, AFileThatIsTheOutputIsRefusedBeforeTheWork) {
  write("one.state", "");
  const Result result =
      xlstm({"generate", "-p", "The", "-n", "2", "--save-state", state()}, {.out_file = state()});
  EXPECT_TRUE(is_one_line_error(result, 3, "open already"));
  EXPECT_EQ(content_of(state()), "");
}

TEST_F(State, ATooLongNameIsRefusedBeforeTheWork) {
  const Result result =
      greedy({"-p", "The", "-n", "2", "--save-state", state() + std::string(300, 'x')});
  EXPECT_TRUE(is_one_line_error(result, 3, "too long"));
  EXPECT_EQ(result.out, "");
}

TEST_F(State, IsSavedBeforeTheLastOutputFails) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  const Result result =
      xlstm({"generate", "-p", "The", "-n", "2", "--json", "--save-state", state()},
            {.out_file = "/dev/full"});
  EXPECT_TRUE(is_one_line_error(result, 3, "standard output"));
  EXPECT_EQ(greedy({"-n", "1", "--load-state", state()}).code, 0);
}

TEST_F(State, OfTheTurnsBeforeAnErrorIsSaved) {
  const std::vector<std::string> arguments = {"chat", "--temperature", "0", "-n",
                                              "3",    "--save-state"};
  const auto chat = [&](const std::string& name, const std::string& input) {
    std::vector<std::string> more = arguments;
    more.push_back(file(name).string());
    return xlstm(more, {.input = input});
  };
  ASSERT_EQ(chat("wanted", "Call me\n").code, 0);
  const Result result = chat("got", "Call me\n\xFF\nThe whale\n");
  EXPECT_NE(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("turn"));
  EXPECT_EQ(content_of(file("got")), content_of(file("wanted")));
}

}  // namespace
}  // namespace xlstm::testing
