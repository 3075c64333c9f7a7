// Ranks that find each other by TCP, among others that call.
#include "xlstm/group/tcp_joining.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/as_ranks.h"
#include "tests/support/free_port.h"

namespace xlstm::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

std::string message_of(const std::function<void()>& run) {
  try {
    run();
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

class Joining : public ::testing::Test {
 protected:
  Rendezvous place(int rank, int size, int patience = 60) const {
    return {.rank = rank,
            .size = size,
            .patience = std::chrono::seconds(patience),
            .address = address_};
  }
  // What joining says, "" where it is well.
  std::string joining(int rank, int size, int patience = 60) const {
    return message_of([&] { Group::join(place(rank, size, patience)); });
  }
  std::future<std::string> starts(int rank, int size, int patience = 60) const {
    return std::async(std::launch::async, [=, this] { return joining(rank, size, patience); });
  }
  static SocketClock::time_point soon() { return SocketClock::now() + std::chrono::seconds(20); }
  // A connection to where rank 0 listens, once it does.
  Socket caller() const {
    for (;; std::this_thread::yield()) {
      int error = 0;
      if (Socket out = call(addresses_of(address_).front(), soon(), error)) return out;
    }
  }
  static void say(const Socket& to, std::string_view text) {
    EXPECT_TRUE(send_all(to, std::as_bytes(std::span(text)), soon()));
  }
  Socket caller_that_says(const Hello& hello) const {
    Socket out = caller();
    EXPECT_TRUE(send_all(out, packed(hello), soon()));
    return out;
  }
  static Answer answer_to(const Socket& caller) {
    std::array<std::byte, Answer::kBytes> bytes{};
    EXPECT_EQ(receive_all(caller, bytes, soon()), 0);
    return unpacked_answer(bytes);
  }

  const HostAndPort address_ = free_address();
  const std::string where_ = "[" + address_.text() + "] ";
};

TEST_F(Joining, StrangersDoNotStopIt) {
  auto first = starts(0, 3);
  std::vector<Socket> strangers;
  const auto stranger = [&](const std::string& text) {
    strangers.push_back(caller());
    say(strangers.back(), text);
  };
  stranger("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  stranger("");         // says nothing, and stays
  stranger("xlstmtc");  // and this one not enough
  { const Socket gone = caller(); }
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {  // more than are heard at a time
    std::string noise(1 + random() % 60, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    strangers.push_back(caller());
    send_all(strangers.back(), std::as_bytes(std::span(noise)), soon());
  }
  // As a rank speaks, of no such rank.
  strangers.push_back(caller_that_says({.rank = 77, .size = 3, .port = 1}));
  strangers.push_back(caller_that_says({.rank = 0, .size = 3, .port = 1}));
  strangers.push_back(caller_that_says({.rank = 1, .size = 3, .port = 0}));
  strangers.push_back(caller_that_says({.rank = 1, .size = 3, .port = 70000}));
  auto second = starts(1, 3);
  EXPECT_EQ(joining(2, 3), "");
  EXPECT_EQ(first.get(), "");
  EXPECT_EQ(second.get(), "");
}

TEST_F(Joining, OneThatEndsMayComeAgain) {
  auto first = starts(0, 3);
  { const Socket gone = caller_that_says({.rank = 1, .size = 3, .port = 1}); }
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // its end may still be on the way
  auto third = starts(2, 3);
  EXPECT_EQ(joining(1, 3), "");
  EXPECT_EQ(first.get(), "");
  EXPECT_EQ(third.get(), "");
}

TEST_F(Joining, SaysWhoIsMissing) {
  EXPECT_EQ(joining(0, 4, 0), where_ + "wanted all 4 ranks within 0 s, got no ranks 1, 2, 3");
  EXPECT_EQ(joining(1, 2, 0),
            where_ + "wanted rank 0 of 2 to listen there within 0 s, got Connection refused");
  auto first = starts(0, 3, 1);
  EXPECT_EQ(joining(1, 3, 1), where_ + "wanted all 3 ranks within 1 s, got no rank 2");
  EXPECT_EQ(first.get(), where_ + "wanted all 3 ranks within 1 s, got no rank 2");
}

TEST_F(Joining, OneRankTwiceIsAnError) {
  auto first = starts(0, 3);
  auto second = starts(1, 3), again = starts(1, 3);
  EXPECT_THAT(first.get(),
              HasSubstr(where_ + "wanted each rank once, got another rank 1, from 127.0.0.1:"));
  const std::string one = second.get(), other = again.get();
  const std::string told = where_ + "wanted each rank once, got another rank 1";
  EXPECT_TRUE(one == told || other == told) << one << "\n" << other;
  EXPECT_THAT(one == told ? other : one, HasSubstr("got the end of rank 0, which says why"));
}

TEST_F(Joining, RanksOfAnotherNumberAreAnError) {
  auto first = starts(0, 3);
  EXPECT_EQ(joining(1, 2), where_ + "wanted rank 0 of 2, got rank 0 of 3");
  EXPECT_THAT(first.get(), HasSubstr(where_ + "wanted ranks of 3, got rank 1 of 2, from 127.0"));
}

TEST_F(Joining, AnotherVersionIsAnError) {
  const std::string wanted =
      where_ + "wanted xlstm of one version on all hosts, which meet by protocol 1, got ";
  auto first = starts(0, 2);
  const Socket newer = caller_that_says({.protocol = 2});
  EXPECT_THAT(first.get(), HasSubstr(wanted + "protocol 2, from 127.0.0.1:"));
  std::array<std::byte, kGreeting> greeting{};
  EXPECT_EQ(receive_all(newer, greeting, soon()), 0);
  EXPECT_EQ(protocol_of(greeting), kTcpProtocol);

  for (const bool is_ours : {true, false}) {
    auto second = starts(1, 2);
    const Socket listener = listen_at(addresses_of(address_), address_.port, "a test");
    Socket called;
    while (!called) called = next_caller(listener);
    if (is_ours) {
      EXPECT_TRUE(send_all(called, packed(Answer{.protocol = 2}), soon()));
    } else {
      say(called, "220 mail.example.org ESMTP\r\n");
    }
    EXPECT_EQ(second.get(), wanted + (is_ours ? "protocol 2" : "another program's answer"));
  }
}

// What forwards connections is there before rank 0 is.
TEST_F(Joining, CallsAgainWhereNobodyAnswers) {
  auto second = starts(1, 2);
  {
    const Socket listener = listen_at(addresses_of(address_), address_.port, "a test");
    for (int calls = 0; calls < 3;) calls += next_caller(listener) ? 1 : 0;
  }
  EXPECT_EQ(joining(0, 2), "");
  EXPECT_EQ(second.get(), "");
}

TEST_F(Joining, APortInUseIsAnError) {
  const Socket other = listen_at(addresses_of(address_), address_.port, "a test");
  EXPECT_EQ(joining(0, 2),
            where_ + "cannot listen at " + address_.text().substr(6) + ": Address already in use");
  Rendezvous everywhere = place(0, 2);
  everywhere.address->host = "some-name";
  EXPECT_THAT(message_of([&] { Group::join(everywhere); }),
              HasSubstr("cannot listen at port " + std::to_string(address_.port) + ": "));
}

TEST_F(Joining, AnAddressOfAnotherHostIsAnError) {
  Rendezvous elsewhere = place(0, 2);
  elsewhere.address->host = "192.0.2.1";  // of documents
  EXPECT_THAT(message_of([&] { Group::join(elsewhere); }),
              HasSubstr("cannot listen at 192.0.2.1:"));
}

TEST_F(Joining, ANameThatIsNoneIsAnError) {
  Rendezvous nowhere = place(1, 2, 0);
  nowhere.address->host = "a..b";
  EXPECT_THAT(message_of([&] { Group::join(nowhere); }),
              AnyOf(HasSubstr("cannot find the host \"a..b\": "),
                    HasSubstr("got no address of that name for now")));
}

// A rank that others cannot reach, as behind a firewall.
TEST_F(Joining, RanksThatDoNotReachEachOtherSayWho) {
  auto first = starts(0, 4), second = starts(1, 4), fourth = starts(3, 4);
  const Socket third =
      caller_that_says({.rank = 2, .size = 4, .port = static_cast<std::uint32_t>(free_port())});
  EXPECT_EQ(answer_to(third).kind, Answer::kWelcome);
  const std::string wanted = "wanted rank 3 to reach rank 2 at 127.0.0.1:";
  const std::string of_fourth = fourth.get();
  EXPECT_THAT(of_fourth, HasSubstr(where_ + wanted));
  EXPECT_THAT(of_fourth, HasSubstr("no firewall may be between them), got Connection refused"));
  EXPECT_THAT(first.get(), HasSubstr("[rank 3 of 4] " + where_ + wanted));
  EXPECT_THAT(second.get(), AnyOf(HasSubstr(wanted), HasSubstr("got the end of rank 0")));
}

// One that speaks as a rank does, until all have met.
TEST_F(Joining, NonsenseOfARankIsItsEnd) {
  auto first = starts(0, 2);
  const Socket second = caller_that_says({.rank = 1, .size = 2, .port = 1});
  EXPECT_EQ(answer_to(second).kind, Answer::kWelcome);
  say(second, std::string(100, '?'));
  EXPECT_EQ(first.get(),
            "[rank 1 of 2] is gone: it says what no rank of this version of xlstm does");
}

}  // namespace
}  // namespace xlstm::testing
