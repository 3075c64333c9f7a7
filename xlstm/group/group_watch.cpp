#include "xlstm/group/group_watch.h"

#include <optional>
#include <utility>

#include "xlstm/group/without_signals.h"

namespace xlstm {
namespace {

using Clock = std::chrono::steady_clock;

// Since when something is seen to be so.
class Since {
 public:
  void see(bool is_so, Clock::time_point now) {
    if (is_so && !first_) first_ = now;
  }
  bool lasts(Clock::time_point now, Clock::duration time) const {
    return first_ && now - *first_ >= time;
  }

 private:
  std::optional<Clock::time_point> first_;
};

}  // namespace

GroupWatch::GroupWatch(std::shared_ptr<const Group> group, std::function<void()> give_up,
                       WatchPatience patience)
    : group_(std::move(group)), give_up_(std::move(give_up)), patience_(patience) {
  thread_ = without_signals([this] { run(); });
}

GroupWatch::~GroupWatch() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ends_.notify_all();
  thread_.join();
}

void GroupWatch::run() {
  Since broken, lost;
  std::unique_lock lock(mutex_);
  while (!ends_.wait_for(lock, patience_.look, [&] { return ended_; })) {
    const Clock::time_point now = Clock::now();
    const bool is_broken = group_->is_broken();
    broken.see(is_broken, now);
    lost.see(is_broken && group_->has_lost(), now);
    const auto is_over = [&](int part) {
      return lost.lasts(now, patience_.lost / part) || broken.lasts(now, patience_.left / part);
    };
    if (is_over(2)) in_doubt_ = true;
    if (!is_over(1)) continue;
    lock.unlock();
    give_up_();
    return;
  }
}

void GroupWatch::check() const {
  if (!in_doubt_ && !group_->has_failed()) return;
  if (const auto error = group_->error()) throw *error;
  // Its number may be another process's by now.
  fail(ErrorKind::kCancelled, group_->name(), "goes on without another rank, which is gone");
}

}  // namespace xlstm
