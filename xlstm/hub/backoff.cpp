#include "xlstm/hub/backoff.h"

#include <algorithm>

#include "xlstm/base/error.h"
#include "xlstm/hub/http.h"

namespace xlstm {
namespace {

constexpr int kTries = 6;                           // of a server that answers, or did
constexpr int kTriesToConnect = 3;                  // of one that was not reached
constexpr int kMostDoublings = 4;                   // of the first wait
constexpr std::chrono::seconds kLongestAsked{300};  // the hub counts requests over as long
constexpr std::chrono::seconds kLongEnoughToTell{3};

}  // namespace

// Between a half and all of it: those that were refused together do not come back together.
std::chrono::milliseconds Backoff::next_wait() {
  const auto longest = job_.first_retry_wait() * (1 << std::min(tries_ - 1, kMostDoublings));
  const double share = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(longest.count()) * share));
}

void Backoff::wait_or_throw() {
  ++tries_;
  try {
    throw;
  } catch (const TransferFailure& failure) {
    const int most = failure.connected ? kTries : kTriesToConnect;
    if (!failure.again || !patient_ || tries_ >= most) {
      fail(ErrorKind::kNetwork, where_, failure.why);
    }
    job_.wait(next_wait());
  } catch (const TryLater& later) {
    const bool too_long = later.wait && *later.wait > kLongestAsked;
    if (too_long || !patient_ || tries_ >= kTries) {
      fail_wanted(
          ErrorKind::kNetwork, where_, "an answer",
          str("status ", later.status, " from ", later.url,
              later.wait ? str(", which asks to come back in ", later.wait->count(), " s") : ""));
    }
    const std::chrono::milliseconds asked = later.wait.value_or(std::chrono::seconds(0));
    if (asked >= kLongEnoughToTell) {
      job_.note(str("the hub is busy (status ", later.status, ") and asks to wait ",
                    later.wait->count(), " s"));
    }
    job_.wait(std::max(asked, next_wait()));
  }
}

}  // namespace xlstm
