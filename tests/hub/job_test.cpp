#include "xlstm/hub/job.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

TEST(JobTest, WorkRunsOnAnotherThread) {
  const HubOptions options;
  Job job(options);
  std::thread::id id;
  job.run([&] { id = std::this_thread::get_id(); });
  EXPECT_NE(id, std::this_thread::get_id());
}

TEST(JobTest, ErrorsOfTheWorkAreThrown) {
  const HubOptions options;
  Job job(options);
  expect_error(ErrorKind::kFile, {"no"},
               [&] { job.run([] { fail(ErrorKind::kFile, "a", "no"); }); });
}

TEST(JobTest, EachIsDoneOnce) {
  const HubOptions options;
  Job job(options);
  std::vector<std::atomic<int>> done(100);
  job.run([&] { job.each(done.size(), [&] { return [&](std::size_t i) { ++done[i]; }; }); });
  for (const auto& count : done) EXPECT_EQ(count, 1);
  job.run([&] { job.each(0, [] { return [](std::size_t) { FAIL(); }; }); });
}

TEST(JobTest, TheFirstErrorStopsTheOthers) {
  const HubOptions options;
  Job job(options);
  expect_error(ErrorKind::kFile, {"seven"}, [&] {
    job.run([&] {
      job.each(100, [&] {
        return [&](std::size_t i) {
          if (i == 7) fail(ErrorKind::kFile, "a", "seven");
          if (i > 7) job.wait(std::chrono::hours(1));  // throws Stopped
        };
      });
    });
  });
}

TEST(JobTest, ACallersWordEndsAWait) {
  HubOptions options;
  options.cancelled = [] { return true; };
  Job job(options);
  expect_error(ErrorKind::kCancelled, {"stopped"},
               [&] { job.run([&] { job.wait(std::chrono::hours(1)); }); });
}

TEST(JobTest, NoticesComeInTheirOrderAndAllOfThem) {
  HubOptions options;
  std::string all;
  options.on_notice = [&](const std::string& sentence) { all += sentence + " "; };
  Job job(options);
  job.run([&] {
    for (const char* word : {"one", "two", "three"}) job.note(word);
  });
  EXPECT_EQ(all, "one two three ");
}

TEST(JobTest, ProgressIsOfAllFiles) {
  HubOptions options;
  FetchProgress last;
  options.on_progress = [&](const FetchProgress& progress) { last = progress; };
  Job job(options);
  job.run([&] {
    job.begin_files({{"a", 100, 10, false}, {"b", 50, 0, false}});
    job.add_received(0, 20);
    job.set_done(1, 7);
    job.set_done(1, 0);  // fetched anew
    job.add_received(1, 50);
    job.set_complete(1, 50);
  });
  EXPECT_EQ(last.size, 150U);
  EXPECT_EQ(last.done, 80U);
  EXPECT_EQ(last.received, 70U);
  EXPECT_EQ(last.files[0].done, 30U);
  EXPECT_FALSE(last.files[0].complete);
  EXPECT_TRUE(last.files[1].complete);
}

TEST(JobTest, ASizeThatIsNotKnownLeavesThatOfAllUnknown) {
  HubOptions options;
  FetchProgress last;
  options.on_progress = [&](const FetchProgress& progress) { last = progress; };
  Job job(options);
  job.run([&] { job.begin_files({{"a", 100, 0, false}, {"b", std::nullopt, 0, false}}); });
  EXPECT_EQ(last.size, std::nullopt);
}

}  // namespace
}  // namespace xlstm
