// Memory that runs out anywhere in a call is an Error, not std::bad_alloc.
#include <gtest/gtest.h>

#include <limits>
#include <new>
#include <stdexcept>
#include <vector>

#include "tests/engine/classics_engine.h"
#include "tests/engine/failing_allocations.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/bad_alloc.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/calibration.h"
#include "xlstm/engine/doctor.h"

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
    test::fail_allocation(nth);
    try {
      call();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kMemory) << error.what();
      ++failed;
    } catch (const std::bad_alloc&) {
      test::fail_none();
      FAIL() << "std::bad_alloc left the engine at allocation " << nth;
    }
    if (!test::fail_none()) break;
  }
  EXPECT_GT(failed, 0) << "no allocation failed";
}

// What no container holds is what no memory holds.
TEST(NoMemory, IsToldOfLengthsBeyondAnyContainer) {
  const auto too_long = [] {
    return std::vector<int>(std::numeric_limits<std::size_t>::max() / 2);
  };
  EXPECT_THROW(too_long(), std::length_error);
  expect_error(ErrorKind::kMemory, {"[memory] wanted enough for this call"},
               [&] { translate_bad_alloc(too_long); });
}

TEST(NoMemory, IsToldByEnginesAndSessions) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "state";
  Session session = engine().session();
  session.read("Once upon a time");
  session.save(file);
#ifdef XLSTM_SANITIZED
  const std::string text(1000, 'x');  // read some hundred times
#else
  const std::string text(10'000, 'x');
#endif
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

TEST(NoMemory, IsToldByCalibration) {
  const std::string text = test::book("alice.txt").substr(0, 4000);
  const auto folder = test::classics_folder();
  const CalibrationOptions options = {.tokens = 512, .device = "cpu"};
  expect_told(
      "text", [&] { calibrate_with(folder, text, "text", options); }, 1);
  expect_told(
      "own", [&] { calibrate_with_own_text(folder, options); }, 1);
  const auto moments = calibrate_with(folder, text, "text", options);
  moments->covariance("embedding.weight");
  const std::vector<float> row(256);
  expect_told(
      "settle", [&] { moments->record_result("embedding.weight", row); }, 1);
}

}  // namespace
}  // namespace xlstm
