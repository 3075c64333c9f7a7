// Where time goes: named sections that add up their time while somebody measures. A section costs
// one relaxed load where nobody does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace xlstm {

struct ProfileEntry {
  std::string name;
  std::uint64_t calls = 0;
  double seconds = 0;
};

// One measurement at a time; sections of all threads count from start to stop.
class Profile {
 public:
  void start();                      // from nothing
  std::vector<ProfileEntry> stop();  // the costliest first

 private:
  friend class ProfileSection;
  void add(const char* name, double seconds);

  std::atomic<bool> is_on_{false};
  std::mutex mutex_;
  std::map<std::string, ProfileEntry> entries_;
};

class ProfileSection {
 public:
  using Clock = std::chrono::steady_clock;

  // `name` and `profile` outlive the section.
  ProfileSection(Profile& profile, const char* name) : profile_(profile), name_(name) {
    if (profile.is_on_.load(std::memory_order_relaxed)) start_ = Clock::now();
  }
  ~ProfileSection() {
    if (start_ == Clock::time_point()) return;
    profile_.add(name_, std::chrono::duration<double>(Clock::now() - start_).count());
  }
  ProfileSection(const ProfileSection&) = delete;
  ProfileSection& operator=(const ProfileSection&) = delete;

 private:
  Profile& profile_;
  const char* name_;
  Clock::time_point start_{};
};

}  // namespace xlstm
