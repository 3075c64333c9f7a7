// One command run by several processes, each with a part of the model.
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/apps/command_line.h"
#include "tests/apps/devices.h"
#include "tests/support/as_ranks.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

class Devices : public CommandLine {
 protected:
  static std::vector<std::string> greedy(std::vector<std::string> more = {}) {
    std::vector<std::string> out = {"generate", "--temperature", "0", "--no-bos", "-n",
                                    "64",       "--ignore-eos"};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  // An answer that does not end by itself.
  std::vector<std::string> endless() const {
    return command(among(2, {"generate", "-p", "It was", "-n", "1000000", "--ignore-eos"}));
  }
};

TEST_F(Devices, WriteTheGoldenContinuation) {
  const Golden wanted = golden(0);
  for (const int devices : {2, 4}) {
    const Result result = xlstm(among(devices, greedy({"--prompt", wanted.prompt})));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, wanted.greedy + "\n");
    EXPECT_THAT(result.err, IsEmpty());
  }
}

TEST_F(Devices, ReadStandardInputOnce) {
  const Golden wanted = golden(1);
  const Result result = xlstm(among(2, greedy()), {.input = wanted.prompt});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, wanted.greedy + "\n");
}

TEST_F(Devices, AgreeOnASeedThatNobodyGave) {
  const Result first = xlstm(among(2, {"generate", "-p", "It was", "-n", "20", "--json"}));
  ASSERT_EQ(first.code, 0) << first.err;
  const Json json = Json::parse(first.out);
  const std::string seed = std::to_string(json["seed"].get<std::uint64_t>());
  const Result again =
      xlstm(among(2, {"generate", "-p", "It was", "-n", "20", "--json", "--seed", seed}));
  EXPECT_EQ(Json::parse(again.out)["text"], json["text"]);
}

TEST_F(Devices, AnswerSeveralTimes) {
  const auto arguments =
      std::vector<std::string>{"generate", "-p", "It was",    "-n", "12",         "--n", "3",
                               "--seed",   "5",  "--best-of", "4",  "--logprobs", "2",   "--json"};
  const Result one = xlstm(arguments), two = xlstm(among(2, arguments));
  EXPECT_EQ(two.code, 0) << two.err;
  const auto texts = [](const std::string& lines) {
    std::vector<std::string> out;
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line);) out.push_back(Json::parse(line)["text"]);
    return out;
  };
  EXPECT_EQ(texts(two.out), texts(one.out));
}

TEST_F(Devices, TakeTurnsFromAPipe) {
  const std::vector<std::string> chat = {"chat", "-n", "12", "--temperature", "0"};
  const RunOptions turns = {.input = "Call me\n/fork other\nThe whale\n/branches\n/quit\n"};
  const Result one = xlstm(chat, turns), two = xlstm(among(2, chat), turns);
  EXPECT_EQ(two.code, 0) << two.err;
  EXPECT_EQ(two.out, one.out);
  EXPECT_EQ(two.err, one.err);
}

TEST_F(Devices, TakeTurnsAtATerminal) {
  Process chat(command(among(2, {"chat", "-n", "8", "--temperature", "0"})),
               Process::Streams::kTerminal, terminal_environment());
  chat.read_until("> ");
  chat.write("Call me\r");
  chat.read_until("> ");
  chat.write("/nonsense\r");
  chat.read_until("unknown command");
  chat.read_until("> ");
  chat.write("The whale\r");
  chat.read_until("> ");
  chat.write("\x04");
  EXPECT_EQ(chat.wait(), 0);
}

TEST_F(Devices, FindTheSamePerplexity) {
  const std::string text = write("text.txt", golden(0).prompt + golden(0).greedy).string();
  const std::vector<std::string> arguments = {"perplexity", "--file", text, "--json"};
  const Result one = xlstm(arguments), two = xlstm(among(2, arguments));
  ASSERT_EQ(two.code, 0) << two.err;
  const double wanted = Json::parse(one.out)["mean_nll"], got = Json::parse(two.out)["mean_nll"];
  // Logits up to 30 that are off by 1e-5 of that at most.
  EXPECT_NEAR(got, wanted, 2 * 3e-4);
}

TEST_F(Devices, AreMeasured) {
  const Result result =
      xlstm(among(2, {"bench", "--synthetic", "tiny", "--batch", "1,2", "--positions", "4",
                      "--prefill", "70", "--repeats", "1", "--steps", "2"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("devices      2, with weights of "));
  EXPECT_THAT(result.out, HasSubstr("decode B2 at 4"));
  EXPECT_THAT(result.out, HasSubstr("prefill 70"));
}

TEST_F(Devices, SayHowTheModelIsDivided) {
  const Result result =
      xlstm(among(2, {"generate", "--info", "-p", "It was", "-n", "1", "--dtype", "bf16"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("devices      2, with weights of "));
}

TEST_F(Devices, AreRefusedByName) {
  EXPECT_TRUE(is_one_line_error(
      xlstm({"forecast", "--devices", "2"}), 2,
      "[--devices] wanted generate, chat, batch, perplexity or bench, got forecast"));
  EXPECT_TRUE(
      is_one_line_error(xlstm({"generate", "-p", "a", "--devices", "0"}), 2, "[--devices] wanted"));
  EXPECT_TRUE(
      is_one_line_error(xlstm(among(3, {"generate", "-p", "a"})), 2,
                        "wanted a number that divides the model's 4 heads: 1, 2 or 4, got 3"));
  EXPECT_TRUE(
      is_one_line_error(xlstm(among(2, {"bench", "--tune"})), 2, "[--tune] wanted one device"));
  EXPECT_TRUE(is_one_line_error(xlstm(among(2, {"bench", "--synthetic", "mixed-tiny"})), 2,
                                "models of the family xlstm-large can be divided"));
  EXPECT_TRUE(
      is_one_line_error(xlstm(among(2, {"generate", "-p", "a", "-m", "no-such"})), 3, "no-such"));
}

// As mpirun starts them.
TEST_F(Devices, MeetWhereOthersStartThem) {
  const Golden wanted = golden(0);
  const std::vector<std::string> arguments =
      greedy({"--prompt", wanted.prompt, "--device", "cpu", "--threads", "1"});
  const auto as_rank = [&](const char* rank) {
    return RunOptions{.environment = {{"OMPI_COMM_WORLD_RANK", rank},
                                      {"OMPI_COMM_WORLD_SIZE", "2"},
                                      {"PMIX_NAMESPACE", "test" + std::to_string(getpid())}}};
  };
  Result second;
  std::thread other([&] { second = xlstm(arguments, as_rank("1")); });
  const Result first = xlstm(arguments, as_rank("0"));
  other.join();
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, wanted.greedy + "\n");
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_THAT(second.out + second.err, IsEmpty());

  EXPECT_TRUE(is_one_line_error(xlstm({"info"}, as_rank("0")), 2,
                                "[xlstm info] wanted one process (several ranks are for generate, "
                                "chat, batch, perplexity or bench), got 2 ranks"));
  EXPECT_TRUE(is_one_line_error(xlstm(among(4, greedy({"-p", "a"})), as_rank("0")), 2,
                                "[--devices] wanted the 2 ranks that were started, got 4"));
}

// As on several hosts.
RunOptions by_tcp(int rank, int size, const std::string& address) {
  return {.environment = {{"XLSTM_RANK", std::to_string(rank)},
                          {"XLSTM_RANKS", std::to_string(size)},
                          {"XLSTM_RENDEZVOUS", address}}};
}

TEST_F(Devices, MeetByTcp) {
  const Golden wanted = golden(0);
  const std::vector<std::string> arguments =
      greedy({"--prompt", wanted.prompt, "--device", "cpu", "--threads", "1"});
  for (const int size : {2, 4}) {
    const std::string address = free_address().text();
    std::vector<Result> results(static_cast<std::size_t>(size));
    in_threads(size, [&](int rank) {
      results[static_cast<std::size_t>(rank)] = xlstm(arguments, by_tcp(rank, size, address));
    });
    for (const Result& result : results) {
      EXPECT_EQ(result.code, 0) << result.err;
      EXPECT_THAT(result.err, IsEmpty());
      EXPECT_EQ(result.out, &result == &results.front() ? wanted.greedy + "\n" : "");
    }
  }
}

TEST_F(Devices, SayWhereTheyCannotMeetByTcp) {
  const Socket other = listen_at(addresses_of({"127.0.0.1", 1}), 0, "a test");
  const std::string port = std::to_string(own_address(other).port());
  EXPECT_TRUE(is_one_line_error(
      xlstm(greedy({"-p", "a"}), by_tcp(0, 2, "tcp://127.0.0.1:" + port)), 5,
      "[tcp://127.0.0.1:" + port + "] cannot listen at 127.0.0.1:" + port + ": Address already"));
  EXPECT_TRUE(is_one_line_error(xlstm(greedy({"-p", "a"}), by_tcp(1, 2, "tcp://127.0.0.1")), 2,
                                "[XLSTM_RENDEZVOUS] wanted tcp://HOST:PORT"));
}

// One that is told why by another is silent, where that one is rank 0.
TEST_F(Devices, HearByTcpWhatIsWrong) {
  const std::string address = free_address().text();
  std::vector<Result> results(3);
  in_threads(3, [&](int rank) {
    results[static_cast<std::size_t>(rank)] =
        xlstm(greedy({"-p", "a", "--device", "cpu"}), by_tcp(rank, 3, address));
  });
  EXPECT_TRUE(is_one_line_error(
      results[0], 2, "wanted a number that divides the model's 4 heads: 1, 2 or 4, got 3"));
  for (const std::size_t rank : {std::size_t{1}, std::size_t{2}}) {
    EXPECT_THAT(results[rank].out + results[rank].err, IsEmpty());
  }
}

TEST_F(Devices, OneThatDiesElsewhereEndsTheOthers) {
  const std::vector<std::string> arguments =
      command({"generate", "-p", "It was", "-n", "1000000", "--ignore-eos", "--device", "cpu"});
  for (const int rank : {1, 0}) {
    const std::string address = free_address().text();
    Process first(arguments, Process::Streams::kPipes, by_tcp(0, 2, address).environment);
    Process second(arguments, Process::Streams::kPipes, by_tcp(1, 2, address).environment);
    first.read_until(" ");  // it answers
    (rank == 1 ? second : first).send(SIGKILL);
    Process& left = rank == 1 ? first : second;
    left.read_all();
    const std::string error = left.read_errors();
    if (rank == 1) {
      EXPECT_EQ(left.wait(), 1);
      EXPECT_EQ(error, "xlstm: [rank 1 of 2] is gone: its connection ended without a word\n");
    } else {
      EXPECT_EQ(left.wait(), 0);  // as it does where rank 0 has told why
      EXPECT_THAT(error, IsEmpty());
    }
  }
}

TEST_F(Devices, SayWhereTheyCannotMeet) {
  const RunOptions options = {.environment = {{"XLSTM_RANK", "0"},
                                              {"XLSTM_RANKS", "2"},
                                              {"XLSTM_RENDEZVOUS", "/no/such/folder/file"}}};
  EXPECT_TRUE(is_one_line_error(xlstm(greedy({"-p", "a"}), options), 3,
                                "cannot create: No such file or directory"));
}

TEST_F(Devices, OneThatDiesEndsTheOthers) {
  for (const std::size_t rank : {std::size_t{1}, std::size_t{0}}) {
    Process process(endless(), Process::Streams::kPipes);
    process.read_until(" ");  // it answers
    if (!end_by_killing(process, rank)) GTEST_SKIP() << "the system does not list children";
  }
}

TEST_F(Devices, AnInterruptEndsTheAnswerAndKeepsIt) {
  for (const bool all : {false, true}) {
    Process process(endless(), Process::Streams::kPipes);
    process.read_until(" ");
    if (all) {  // as a terminal does
      for (const pid_t rank : children_of(process.id())) kill(rank, SIGINT);
    }
    process.send(SIGINT);
    const std::string out = process.read_all();
    const std::string error = process.read_errors();
    EXPECT_EQ(process.wait(), 128 + SIGINT);
    EXPECT_GT(out.size(), 1U);
    EXPECT_EQ(error, "\n");
  }
}

TEST_F(Devices, ATermSignalEndsAll) {
  Process process(endless(), Process::Streams::kPipes);
  process.read_until(" ");
  const std::vector<pid_t> ranks = children_of(process.id());
  process.send(SIGTERM);
  process.read_all();
  EXPECT_EQ(process.wait(), 128 + SIGTERM);
  for (const pid_t rank : ranks) EXPECT_EQ(kill(rank, 0), -1);
}

// What started them is killed: they do not stay.
TEST_F(Devices, DoNotOutliveWhatStartedThem) {
  Process process(endless(), Process::Streams::kPipes);
  process.read_until(" ");
  const std::vector<pid_t> ranks = children_of(process.id());
  process.send(SIGKILL);
  process.read_all();
  process.wait();
  for (const pid_t rank : ranks) {
    for (int look = 0; look < 200 && kill(rank, 0) == 0; ++look) {
      std::ifstream in("/proc/" + std::to_string(rank) + "/stat");
      std::string id, name, state;
      in >> id >> name >> state;
      if (state == "Z") break;  // whoever adopted it has not looked yet
      usleep(20'000);
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
