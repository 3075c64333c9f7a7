// Limits that the process has beside those of its options: memory, threads.
#include "xlstm/engine/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>

#include "mlx/device.h"
#include "mlx/memory.h"
#include "tests/generate/classics.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/thread_pool.h"

namespace xlstm {
namespace {

using ::testing::HasSubstr;

Engine open(const EngineOptions& options = {.device = "cpu"}) {
  return Engine::open(test::classics_folder().string(), options);
}

TEST(Limits, a_hard_limit_makes_no_memory) {
  constexpr std::uint64_t kMore = std::uint64_t{1} << 61;  // than any machine has
  try {
    check_memory({.weights = kMore, .state = 0, .workspace = 0}, {.hard_memory_limit = 2 * kMore},
                 "a model");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kMemory);
    EXPECT_THAT(error.what(), HasSubstr("left of the machine's"));
  }
}

TEST(Limits, an_engine_that_is_refused_changes_nothing) {
  const auto device = mlx::core::default_device();
  const std::size_t threads = ops::thread_pool().size(), other = threads + 1;
  EngineOptions options = {.device = "cpu"};
  options.threads = other;
  EXPECT_THROW(Engine::open("/no/such/model", options), Error);
  options.hard_memory_limit = 1;
  EXPECT_THROW(open(options), Error);
  EXPECT_THROW(open_synthetic("tiny", options), Error);
  EXPECT_EQ(ops::thread_pool().size(), threads);
  EXPECT_EQ(mlx::core::default_device(), device);

  options.hard_memory_limit = 0;
  options.on_load_progress = [](double) { throw std::logic_error("no"); };
  EXPECT_THROW(open(options), std::logic_error);
  EXPECT_EQ(ops::thread_pool().size(), threads);
  options.on_load_progress = {};
  open(options);
  EXPECT_EQ(ops::thread_pool().size(), other);
  ops::set_thread_count(0);
}

TEST(Limits, an_engine_without_limits_does_not_inherit_another_s) {
  open();
  const std::size_t before = mlx::core::get_memory_limit();
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 30;
  EngineOptions limited = {.device = "cpu"};
  limited.hard_memory_limit = kLimit;
  limited.soft_memory_limit = kLimit;
  open(limited);
  EXPECT_EQ(mlx::core::get_memory_limit(), kLimit);
  open();
  EXPECT_EQ(mlx::core::get_memory_limit(), before);
}

// What follows needs a process of its own: 10 + the kind of error that `call` ends with.
template <typename Call>
[[noreturn]] void exit_with_kind(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::_Exit(10 + static_cast<int>(error.kind()));
  }
  std::_Exit(1);
}

constexpr int status_of(ErrorKind kind) {
  return 10 + static_cast<int>(kind);
}

TEST(LimitsDeathTest, a_wrong_thread_count_is_told_before_the_model_is_looked_for) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_kind([] {
                ::setenv("XLSTM_THREADS", "abc", 1);
                Engine::open("/no/such/model", {.device = "cpu"});
              }),
              ::testing::ExitedWithCode(status_of(ErrorKind::kUsage)), "XLSTM_THREADS");
}

#if defined(__linux__) && !defined(XLSTM_SANITIZED)
// Leaves `more` bytes of address space.
void limit_address_space(std::uint64_t more) {
  std::uint64_t pages = 0;
  FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%lu", &pages) != 1) std::_Exit(2);
  std::fclose(file);
  rlimit limit{};
  ::getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = pages * 4096 + more;
  if (::setrlimit(RLIMIT_AS, &limit) != 0) std::_Exit(3);
}

TEST(LimitsDeathTest, a_model_that_does_not_fit_the_address_space_is_refused) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_kind([] {
                limit_address_space(20 << 20);  // the weights take 32 MiB
                open();
              }),
              ::testing::ExitedWithCode(status_of(ErrorKind::kMemory)), "wanted");
}

TEST(LimitsDeathTest, memory_that_runs_out_while_weights_are_read_is_told) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_kind([] {
                const auto source = open_weights(test::classics_folder());  // opened before
                const Plan plan = discover(test::classics_folder(), *source);
                limit_address_space(10 << 20);
                Model::load(plan, *source);
              }),
              ::testing::ExitedWithCode(status_of(ErrorKind::kMemory)), "none left");
}

TEST(LimitsDeathTest, threads_that_cannot_be_started_are_told_with_the_remedy) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_kind([] {
                EngineOptions options = {.device = "cpu"};
                options.threads = 1024;
                const Engine engine = open(options);
                limit_address_space(200 << 20);  // a stack takes 8 MiB
                engine.complete({.prompt = "Once upon a time", .max_tokens = 3});
              }),
              ::testing::ExitedWithCode(status_of(ErrorKind::kMemory)), "--threads");
}
#endif

}  // namespace
}  // namespace xlstm
