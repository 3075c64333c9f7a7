#include "xlstm/base/profile.h"

#include <gtest/gtest.h>

#include <thread>

namespace xlstm {
namespace {

void work(const char* name, int spins) {
  const ProfileSection section(name);
  volatile int sink = 0;
  for (int i = 0; i < spins; ++i) sink = sink + 1;
}

TEST(Profile, CountsSectionsOfAllThreadsWhileItIsOn) {
  work("before", 10);
  start_profile();
  work("short", 10);
  work("long", 2'000'000);
  std::thread([] { work("short", 10); }).join();
  const auto entries = stop_profile();
  work("after", 10);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "long");
  EXPECT_EQ(entries[0].calls, 1U);
  EXPECT_EQ(entries[1].name, "short");
  EXPECT_EQ(entries[1].calls, 2U);
  EXPECT_GT(entries[0].seconds, entries[1].seconds);
  EXPECT_GE(entries[1].seconds, 0);
}

TEST(Profile, EachStartBeginsAnew) {
  start_profile();
  work("one", 1);
  stop_profile();
  start_profile();
  EXPECT_TRUE(stop_profile().empty());
}

}  // namespace
}  // namespace xlstm
