#include "xlstm/base/profile.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace xlstm {
namespace {

std::mutex mutex;
std::map<std::string, ProfileEntry>& entries() {
  static auto& all = *new std::map<std::string, ProfileEntry>;  // threads may outlive main
  return all;
}

}  // namespace

namespace profile {

std::atomic<bool> is_on{false};

void add(const char* name, double seconds) {
  const std::lock_guard lock(mutex);
  ProfileEntry& entry = entries()[name];
  entry.name = name;
  ++entry.calls;
  entry.seconds += seconds;
}

}  // namespace profile

void start_profile() {
  const std::lock_guard lock(mutex);
  entries().clear();
  profile::is_on.store(true);
}

std::vector<ProfileEntry> stop_profile() {
  profile::is_on.store(false);
  const std::lock_guard lock(mutex);
  std::vector<ProfileEntry> out;
  for (const auto& [name, entry] : entries()) out.push_back(entry);
  std::sort(out.begin(), out.end(),
            [](const ProfileEntry& a, const ProfileEntry& b) { return a.seconds > b.seconds; });
  return out;
}

}  // namespace xlstm
