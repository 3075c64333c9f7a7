#include "xlstm/hub/backoff.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "xlstm/hub/http.h"

namespace xlstm {
namespace {

// How often `thrown` is tried; the kind of error in the end is kNetwork.
template <typename Thrown>
int tries_of(const Thrown& thrown, bool patient) {
  HubOptions options;
  options.first_retry_wait = std::chrono::milliseconds(1);
  Job job(options);
  int tries = 0;
  expect_error(ErrorKind::kNetwork, {"[where]"}, [&] {
    with_retries(Backoff(job, "where", patient), [&]() -> int {
      ++tries;
      throw thrown;
    });
  });
  return tries;
}

TEST(BackoffTest, HowOften) {
  EXPECT_EQ(tries_of(TransferFailure{"reset", true, true}, true), 6);
  EXPECT_EQ(tries_of(TransferFailure{"refused", false, true}, true), 3);
  EXPECT_EQ(tries_of(TransferFailure{"certificate", false, false}, true), 1);
  EXPECT_EQ(tries_of(TransferFailure{"reset", true, true}, false), 1);
  EXPECT_EQ(tries_of(TryLater{503, "url", {}}, true), 6);
  EXPECT_EQ(tries_of(TryLater{503, "url", {}}, false), 1);
  EXPECT_EQ(tries_of(TryLater{503, "url", std::chrono::seconds(301)}, true), 1);
}

TEST(BackoffTest, OtherErrorsAreNotTriedAgain) {
  const HubOptions options;
  Job job(options);
  int tries = 0;
  expect_error(ErrorKind::kFile, {"gone"}, [&] {
    with_retries(Backoff(job, "where", true), [&]() -> int {
      ++tries;
      fail(ErrorKind::kFile, "a", "gone");
    });
  });
  EXPECT_EQ(tries, 1);
}

TEST(BackoffTest, EndsWithASuccess) {
  HubOptions options;
  options.first_retry_wait = std::chrono::milliseconds(1);
  Job job(options);
  int tries = 0;
  EXPECT_EQ(with_retries(Backoff(job, "where", true),
                         [&] {
                           if (++tries < 4) throw TransferFailure{"reset", true, true};
                           return 7;
                         }),
            7);
}

}  // namespace
}  // namespace xlstm
