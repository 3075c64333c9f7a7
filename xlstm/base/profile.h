// Where time goes: named sections that add up their time while somebody measures. A section costs
// one relaxed load where nobody does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace xlstm {

struct ProfileEntry {
  std::string name;
  std::uint64_t calls = 0;
  double seconds = 0;
};

namespace profile {

extern std::atomic<bool> is_on;
void add(const char* name, double seconds);

}  // namespace profile

// Sections of all threads count from start to stop. One measurement at a time.
void start_profile();
std::vector<ProfileEntry> stop_profile();  // the costliest first

class ProfileSection {
 public:
  using Clock = std::chrono::steady_clock;

  // `name` lives as long as the program.
  explicit ProfileSection(const char* name) : name_(name) {
    if (profile::is_on.load(std::memory_order_relaxed)) start_ = Clock::now();
  }
  ~ProfileSection() {
    if (start_ == Clock::time_point()) return;
    profile::add(name_, std::chrono::duration<double>(Clock::now() - start_).count());
  }
  ProfileSection(const ProfileSection&) = delete;
  ProfileSection& operator=(const ProfileSection&) = delete;

 private:
  const char* name_;
  Clock::time_point start_{};
};

}  // namespace xlstm
