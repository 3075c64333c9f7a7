// States that several processes save and load together.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/apps/command_line.h"
#include "tests/apps/devices.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StatesOfDevices : public CommandLine {
 protected:
  // One device for 1.
  Result run_on(int devices, const std::vector<std::string>& arguments,
                const RunOptions& options = {}) const {
    return xlstm(devices == 1 ? arguments : among(devices, arguments), options);
  }
  static std::vector<std::string> greedy(const std::vector<std::string>& more) {
    std::vector<std::string> out = {"generate", "--temperature", "0", "-n", "24", "--ignore-eos"};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  std::string content(const std::string& name) const {
    std::ifstream in(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(StatesOfDevices, AnyNumberGoesOnWithWhatAnyOtherSaved) {
  const std::string wanted =
      xlstm({"generate", "--temperature", "0", "-n", "48", "--ignore-eos", "-p", "The whale"}).out;
  for (const int saving : {1, 2, 4}) {
    const std::string state = file(std::to_string(saving)).string();
    const Result first = run_on(saving, greedy({"-p", "The whale", "--save-state", state}));
    ASSERT_EQ(first.code, 0) << first.err;
    for (const int loading : {1, 2, 4}) {
      const Result second = run_on(loading, greedy({"--load-state", state}));
      EXPECT_EQ(second.code, 0) << second.err;
      EXPECT_EQ(first.out.substr(0, first.out.size() - 1) + second.out, wanted)
          << saving << " to " << loading;
      EXPECT_THAT(second.err, IsEmpty());
    }
  }
}

TEST_F(StatesOfDevices, AFileIsTheSameWhoeverCopiesIt) {
  ASSERT_EQ(run_on(1, greedy({"-p", "The whale", "--save-state", file("a").string()})).code, 0);
  for (const int devices : {2, 4}) {
    const Result copied = run_on(
        devices, {"chat", "--load-state", file("a").string(), "--save-state", file("b").string()});
    ASSERT_EQ(copied.code, 0) << copied.err;
    EXPECT_EQ(content("b"), content("a")) << devices;
  }
}

TEST_F(StatesOfDevices, AChatSavesAndLoads) {
  const std::vector<std::string> chat = {"chat", "-n", "12", "--temperature", "0"};
  const auto turns = [&](const std::string& name) {
    return RunOptions{.input = "Call me\n/save " + file(name).string() + "\nThe whale\n/load " +
                               file(name).string() + "\nThe whale\n/quit\n"};
  };
  const Result one = run_on(1, chat, turns("1")), two = run_on(2, chat, turns("2"));
  EXPECT_EQ(two.code, 0) << two.err;
  EXPECT_EQ(two.out, one.out);
  EXPECT_EQ(two.err, one.err);
  EXPECT_EQ(content("2").size(), content("1").size());
}

// A person corrects an error and goes on.
TEST_F(StatesOfDevices, AChatAtATerminalGoesOnAfterAPlaceThatCannotBeWritten) {
  Process chat(command(among(2, {"chat", "-n", "8", "--temperature", "0"})),
               Process::Streams::kTerminal, terminal_environment(), 200);
  chat.read_until("> ");
  chat.write("Call me\r");
  chat.read_until("> ");
  chat.write("/save /no/such/folder/a.state\r");
  chat.read_until("[/no/such/folder/a.state] cannot create a file");
  chat.read_until("> ");
  chat.write("/load /no/such/file\r");
  chat.read_until("[/no/such/file] cannot open");
  chat.read_until("> ");
  chat.write("/save " + file("a").string() + "\r");
  chat.read_until("saved at position");
  chat.read_until("> ");
  chat.write("The whale\r");
  chat.read_until("> ");
  chat.write("\x04");
  EXPECT_EQ(chat.wait(), 0);
  const Result loaded = run_on(1, greedy({"--load-state", file("a").string()}));
  EXPECT_EQ(loaded.code, 0) << loaded.err;
}

TEST_F(StatesOfDevices, AWrongFileIsTheErrorOfOneDevice) {
  write("text", "no state");
  for (const std::string& state : {file("text").string(), file("none").string()}) {
    const Result one = run_on(1, greedy({"--load-state", state}));
    const Result two = run_on(2, greedy({"--load-state", state}));
    EXPECT_TRUE(is_one_line_error(two, 3, "[" + state + "]"));
    EXPECT_EQ(two.err, one.err);
  }
}

TEST_F(StatesOfDevices, APlaceThatCannotBeWrittenIsRefusedAtTheStart) {
  for (const std::string place : {"/no/such/folder/a.state", "/dev/null"}) {
    const Result one = run_on(1, greedy({"-p", "a", "--save-state", place}));
    const Result two = run_on(2, greedy({"-p", "a", "--save-state", place}));
    EXPECT_TRUE(is_one_line_error(two, 3, place));
    EXPECT_EQ(two.err, one.err);
    EXPECT_EQ(two.out, "");
  }
}

// Its folder goes while it works; the answer is not lost.
TEST_F(StatesOfDevices, APlaceThatGoesMeanwhileIsAnErrorAfterTheAnswer) {
  const std::filesystem::path folder = file("folder");
  std::filesystem::create_directory(folder);
  Process process(command(among(2, {"generate", "-p", "It was", "-n", "1000000", "--ignore-eos",
                                    "--save-state", (folder / "a.state").string()})),
                  Process::Streams::kPipes);
  process.read_until(" ");
  std::filesystem::remove(folder);
  process.send(SIGINT);
  process.read_all();
  EXPECT_THAT(process.read_errors(), HasSubstr("a.state] cannot create a file"));
  EXPECT_EQ(process.wait(), 3);
}

TEST_F(StatesOfDevices, AnInterruptKeepsWhatWasRead) {
  const std::string state = file("a").string();
  Process process(command(among(2, {"generate", "-p", "It was", "-n", "1000000", "--ignore-eos",
                                    "--save-state", state})),
                  Process::Streams::kPipes);
  process.read_until(" ");
  process.send(SIGINT);
  process.read_all();
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  const Result loaded = run_on(1, greedy({"--load-state", state}));
  EXPECT_EQ(loaded.code, 0) << loaded.err;
}

}  // namespace
}  // namespace xlstm::testing
