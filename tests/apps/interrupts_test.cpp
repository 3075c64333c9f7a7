#include "xlstm/apps/interrupts.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>

#include "xlstm/apps/exit_code.h"

namespace xlstm::apps {
namespace {

class Interrupts : public ::testing::Test {
 protected:
  void SetUp() override {
    catch_interrupts();
    clear_interrupt();
    ASSERT_EQ(pipe(ends_.data()), 0);
  }
  void TearDown() override {
    clear_interrupt();
    for (const int end : ends_) close(end);
  }
  std::array<int, 2> ends_;
};

TEST_F(Interrupts, OneThatCameBeforeTheWaitEndsIt) {
  raise(SIGINT);
  EXPECT_FALSE(wait_readable(ends_[0]));
  EXPECT_FALSE(wait_readable(ends_[0]));  // until it is cleared
  EXPECT_FALSE(termination_requested());
  EXPECT_EQ(interrupt_exit_code(), 130);
  EXPECT_THROW(throw_if_interrupted(), Interrupted);
  clear_interrupt();
  EXPECT_FALSE(interrupted());
  ASSERT_EQ(write(ends_[1], "x", 1), 1);
  EXPECT_TRUE(wait_readable(ends_[0]));
}

TEST_F(Interrupts, TheEndOfAPipeIsReadable) {
  close(ends_[1]);
  ends_[1] = -1;
  EXPECT_TRUE(wait_readable(ends_[0]));
}

TEST_F(Interrupts, AWaitCanBeWokenOrLimited) {
  EXPECT_EQ(wait_for(ends_[0], 0), Wait::kTimeout);
  wake_waiting();
  EXPECT_EQ(wait_for(ends_[0], kForever), Wait::kWoken);
  EXPECT_EQ(wait_for(ends_[0], 0), Wait::kTimeout);
  ASSERT_EQ(write(ends_[1], "x", 1), 1);
  EXPECT_EQ(wait_for(ends_[0], kForever), Wait::kReady);
  wake_waiting();
  EXPECT_TRUE(wait_readable(ends_[0]));
  raise(SIGINT);
  EXPECT_EQ(wait_for(ends_[0], kForever), Wait::kInterrupted);
}

TEST_F(Interrupts, ASecondOneEndsTheProgram) {
  EXPECT_EXIT(
      {
        raise(SIGINT);
        raise(SIGINT);
      },
      ::testing::KilledBySignal(SIGINT), "");
}

TEST_F(Interrupts, SigtermCannotBeCleared) {
  EXPECT_EXIT(
      {
        raise(SIGTERM);
        clear_interrupt();
        _exit(termination_requested() && !wait_readable(0) ? interrupt_exit_code() : 1);
      },
      ::testing::ExitedWithCode(143), "");
}

TEST_F(Interrupts, WhatWasIgnoredStaysIgnored) {
  EXPECT_EXIT(
      {
        signal(SIGHUP, SIG_IGN);
        catch_interrupts();
        raise(SIGHUP);
        _exit(interrupted() ? 1 : 0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace xlstm::apps
