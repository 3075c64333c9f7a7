// Memory that runs out anywhere in a call is an Error, not std::bad_alloc.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/engine/classics_engine.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/calibration.h"
#include "xlstm/engine/doctor.h"

namespace {

constexpr std::size_t kMessage = 300;    // room for what tells of it
thread_local int allocations_left = -1;  // larger ones, before one fails; -1: none does

void* allocate(std::size_t size) {
  if (size > kMessage && allocations_left >= 0 && allocations_left-- == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// Of the whole test program; all that the deletes below free, so that a sanitizer's own forms do
// not meet them.
void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return std::malloc(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace xlstm {
namespace {

using test::engine;

// Lets one allocation after the other fail until the call needs no more, or `most` have failed. One
// for calls that read or write JSON, whose library cannot do without memory where it destroys a
// value.
template <typename Call>
void expect_told(const char* what, const Call& call, int most = 50) {
  SCOPED_TRACE(what);
  int failed = 0;
  for (int nth = 0; nth < most; ++nth) {
    try {
      allocations_left = nth;
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kMemory) << error.what();
      ++failed;
    } catch (const std::bad_alloc&) {
      allocations_left = -1;
      FAIL() << "std::bad_alloc left the engine at allocation " << nth;
    }
    const bool reached = allocations_left < 0;
    allocations_left = -1;
    if (!reached) break;
  }
  EXPECT_GT(failed, 0) << "no allocation failed";
}

TEST(NoMemory, is_told_by_engines_and_sessions) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state";
  Session session = engine().session();
  session.read("Once upon a time");
  session.save(file);
  const std::string text(10'000, 'x');
  expect_told("fork", [&] { const Session fork = session; });
  expect_told("assignment", [&] {
    Session fork = engine().session();
    fork = session;
  });
  expect_told("session", [] { engine().session(); });
  expect_told("reset", [&] { session.reset(); });
  expect_told("read", [&] { session.read(text); });
  const Request request = {.prompt = text, .max_tokens = 1};
  expect_told("complete", [&] { engine().complete(request); });
  expect_told(
      "save", [&] { session.save(file); }, 1);
  expect_told(
      "load", [&] { session.load(file); }, 1);
  const std::string model = test::classics_folder().string();
  expect_told(
      "estimate", [&] { Engine::memory_need(model); }, 1);
  expect_told(
      "open", [&] { Engine::open(model, {.device = "cpu"}); }, 1);
}

TEST(NoMemory, is_told_by_calibration) {
  const std::string text = test::book("alice.txt").substr(0, 4000);
  const auto folder = test::classics_folder();
  const CalibrationOptions options = {.tokens = 512, .device = "cpu"};
  expect_told(
      "text", [&] { calibrate_with(folder, text, "text", options); }, 1);
  expect_told(
      "own", [&] { calibrate_with_own_text(folder, options); }, 1);
  const auto moments = calibrate_with(folder, text, "text", options);
  moments->of("embedding.weight");
  const std::vector<float> row(256);
  expect_told(
      "settle", [&] { moments->settle("embedding.weight", row); }, 1);
}

}  // namespace
}  // namespace xlstm
