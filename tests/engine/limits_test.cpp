// Limits of engines, each its own, and those of the process beside them: memory, threads.
#include "xlstm/engine/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdlib>
#include <optional>

#include "tests/engine/classics_engine.h"
#include "xlstm/base/error.h"
#include "xlstm/model/model.h"

namespace xlstm {
namespace {

using test::engine;
using test::greedy;
using ::testing::HasSubstr;

Engine open(const EngineOptions& options = {.device = "cpu"}) {
  return Engine::open(test::classics_folder().string(), options);
}

TEST(Limits, AHardLimitMakesNoMemory) {
  constexpr std::uint64_t kMore = std::uint64_t{1} << 61;  // than any machine has
  try {
    check_memory({.weights = kMore, .state = 0, .workspace = 0}, {.hard_memory_limit = 2 * kMore},
                 engine().model().backend(), "a model");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kMemory);
    EXPECT_THAT(error.what(), HasSubstr("left of the machine's"));
  }
}

std::size_t threads_of(const Engine& opened) {
  return opened.model().backend().threads().size();
}

EngineOptions with_threads(std::size_t threads) {
  EngineOptions options = {.device = "cpu"};
  options.threads = threads;
  return options;
}

TEST(Limits, EachEngineHasItsOwnThreads) {
  const Engine one = open(with_threads(1)), three = open(with_threads(3));
  const auto expected = engine().complete(greedy("Once upon a time", 10)).tokens;
  EXPECT_EQ(one.complete(greedy("Once upon a time", 10)).tokens, expected);
  EXPECT_EQ(three.complete(greedy("Once upon a time", 10)).tokens, expected);
  EXPECT_EQ(threads_of(one), 1U);
  EXPECT_EQ(threads_of(three), 3U);
}

TEST(Limits, AnEngineThatIsRefusedChangesNoOther) {
  const std::size_t threads = threads_of(engine());
  const std::uint64_t limit = engine().memory().limit, active = engine().memory().active;
  EngineOptions options = with_threads(threads + 1);
  EXPECT_THROW(Engine::open("/no/such/model", options), Error);
  options.hard_memory_limit = 1;
  EXPECT_THROW(open(options), Error);
  EXPECT_THROW(open_synthetic("tiny", options), Error);
  options.hard_memory_limit = 0;
  options.on_load_progress = [](double) { throw std::logic_error("no"); };
  EXPECT_THROW(open(options), std::logic_error);
  EXPECT_EQ(threads_of(engine()), threads);
  EXPECT_EQ(engine().memory().limit, limit);
  EXPECT_EQ(engine().memory().active, active);
}

TEST(Limits, EachEngineHasItsOwnHardLimit) {
  constexpr std::uint64_t kLimit = std::uint64_t{1} << 30;
  EngineOptions options = {.device = "cpu"};
  options.hard_memory_limit = kLimit;
  const Engine limited = open(options);
  const Engine free = open();
  EXPECT_EQ(limited.memory().limit, kLimit);
  EXPECT_GT(free.memory().limit, kLimit);
  EXPECT_EQ(free.memory().limit, engine().memory().limit);
}

TEST(Limits, AHardLimitCountsWhatItsOwnEngineUses) {
  // Room for one model each, while the first is there.
  EngineOptions options = {.device = "cpu"};
  options.hard_memory_limit = Engine::memory_need(test::classics_folder().string(), options).needed;
  const Engine first = open(options), second = open(options);
  EXPECT_GE(first.memory().active, first.model().weight_bytes());
  EXPECT_LT(first.memory().active, 2 * first.model().weight_bytes());
  EXPECT_EQ(second.memory().active, first.memory().active);
}

TEST(Limits, EachEngineHasItsOwnSoftLimit) {
  EngineOptions options = {.device = "cpu"};
  options.soft_memory_limit = 1;  // caches are dropped after every call
  const Engine limited = open(options), free = open();
  limited.complete(greedy("Once upon a time", 5));
  free.complete(greedy("Once upon a time", 5));
  EXPECT_EQ(limited.memory().cache, 0U);
  EXPECT_GT(free.memory().cache, 0U);
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

TEST(LimitsDeathTest, AWrongThreadCountIsToldBeforeTheModelIsLookedFor) {
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

TEST(LimitsDeathTest, AModelThatDoesNotFitTheAddressSpaceIsRefused) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_kind([] {
                limit_address_space(20 << 20);  // the weights take 32 MiB
                open();
              }),
              ::testing::ExitedWithCode(status_of(ErrorKind::kMemory)), "wanted");
}

TEST(LimitsDeathTest, MemoryThatRunsOutWhileWeightsAreReadIsTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_kind([] {
                const Checkpoint opened = Checkpoint::open(test::classics_folder());
                const std::shared_ptr<Backend> backend = make_backend({.device = "cpu"});
                limit_address_space(10 << 20);
                Model::load(opened.plan, *opened.tensors, backend);
              }),
              ::testing::ExitedWithCode(status_of(ErrorKind::kMemory)), "none left");
}

TEST(LimitsDeathTest, ThreadsThatCannotBeStartedAreToldWithTheRemedy) {
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
