// How long to wait before a request is tried again, and when to give up.
#pragma once

#include <chrono>
#include <optional>
#include <random>
#include <string>

#include "xlstm/hub/job.h"

namespace xlstm {

// An answer that asks to come back later: 408, 429, 500, 502, 503, 504.
struct TryLater {
  int status = 0;
  std::string url;
  std::optional<std::chrono::seconds> wait;  // where the server says how long
};

class Backoff {
 public:
  // `patient`: several tries; else the first failure counts.
  Backoff(Job& job, std::string where, bool patient)
      : job_(job), where_(std::move(where)), patient_(patient), random_(std::random_device{}()) {}

  // Bytes came: the network works, and counting starts anew.
  void reset() { tries_ = 0; }

  // Call it in a handler of the exception that a try threw. Waits, or throws: Error(kNetwork) where
  // enough was tried, the exception itself where it is neither a TransferFailure nor TryLater.
  void wait_or_throw();

 private:
  std::chrono::milliseconds next_wait();

  Job& job_;
  std::string where_;
  bool patient_;
  int tries_ = 0;
  std::mt19937 random_;
};

// The result of `action`, tried again while that may help.
template <typename Action>
auto with_retries(Backoff backoff, const Action& action) {
  for (;;) {
    try {
      return action();
    } catch (...) {
      backoff.wait_or_throw();
    }
  }
}

}  // namespace xlstm
