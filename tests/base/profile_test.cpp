#include "xlstm/base/profile.h"

#include <gtest/gtest.h>

#include <thread>

namespace xlstm {
namespace {

void work(Profile& profile, const char* name, int spins) {
  const ProfileSection section(profile, name);
  volatile int sink = 0;
  for (int i = 0; i < spins; ++i) sink = sink + 1;
}

TEST(Profile, CountsSectionsOfAllThreadsWhileItIsOn) {
  Profile profile;
  work(profile, "before", 10);
  profile.start();
  work(profile, "short", 10);
  work(profile, "long", 2'000'000);
  std::thread([&] { work(profile, "short", 10); }).join();
  const auto entries = profile.stop();
  work(profile, "after", 10);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "long");
  EXPECT_EQ(entries[0].calls, 1U);
  EXPECT_EQ(entries[1].name, "short");
  EXPECT_EQ(entries[1].calls, 2U);
  EXPECT_GT(entries[0].seconds, entries[1].seconds);
  EXPECT_GE(entries[1].seconds, 0);
}

TEST(Profile, TwoDoNotSeeEachOther) {
  Profile one, other;
  one.start();
  work(other, "other", 10);
  other.start();
  work(one, "one", 10);
  EXPECT_EQ(one.stop().size(), 1U);
  EXPECT_TRUE(other.stop().empty());
}

TEST(Profile, EachStartBeginsAnew) {
  Profile profile;
  profile.start();
  work(profile, "one", 1);
  profile.stop();
  profile.start();
  EXPECT_TRUE(profile.stop().empty());
}

}  // namespace
}  // namespace xlstm
