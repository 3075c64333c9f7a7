// A rank that waits for the others elsewhere than in a meeting: on a GPU that waits for numbers of
// theirs, which does not notice that none will come.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "xlstm/group/group.h"

namespace xlstm {

// How long a broken group is let alone. One that has left has ended well, for all that is known:
// what it sent is still worked on and read. One that has failed or is gone ends the others anyway.
struct WatchPatience {
  std::chrono::milliseconds look{100};    // from look to look
  std::chrono::milliseconds lost{1000};   // where one has failed or is gone without a word
  std::chrono::milliseconds left{10000};  // where one has but left
};

class GroupWatch {
 public:
  // Calls `give_up` once, in a thread of the watch, when the group has been broken for as long as
  // the patience says: what waits for the others is to end. It must not throw, and return soon.
  GroupWatch(std::shared_ptr<const Group> group, std::function<void()> give_up,
             WatchPatience patience = {});
  ~GroupWatch();  // it calls no more
  GroupWatch(const GroupWatch&) = delete;
  GroupWatch& operator=(const GroupWatch&) = delete;

  // To be asked after each wait: throws why the group is broken (Group::error()) where what was
  // waited for may be what a rank that gave up has left. That is so once one has failed, and from
  // half the patience on, since ranks do not give up at the same time.
  void check() const;

 private:
  void run();

  const std::shared_ptr<const Group> group_;
  const std::function<void()> give_up_;
  const WatchPatience patience_;
  std::atomic<bool> in_doubt_{false};
  std::mutex mutex_;
  std::condition_variable ends_;
  bool ended_ = false;  // with the mutex held
  std::thread thread_;
};

}  // namespace xlstm
