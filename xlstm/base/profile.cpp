#include "xlstm/base/profile.h"

#include <algorithm>

namespace xlstm {

void Profile::start() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  is_on_.store(true);
}

std::vector<ProfileEntry> Profile::stop() {
  is_on_.store(false);
  const std::lock_guard lock(mutex_);
  std::vector<ProfileEntry> out;
  for (const auto& [name, entry] : entries_) out.push_back(entry);
  std::sort(out.begin(), out.end(),
            [](const ProfileEntry& a, const ProfileEntry& b) { return a.seconds > b.seconds; });
  return out;
}

void Profile::add(const char* name, double seconds) {
  const std::lock_guard lock(mutex_);
  ProfileEntry& entry = entries_[name];
  entry.name = name;
  ++entry.calls;
  entry.seconds += seconds;
}

}  // namespace xlstm
