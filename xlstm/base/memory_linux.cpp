#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <locale>
#include <string_view>

#include "xlstm/base/cgroup_linux.h"
#include "xlstm/base/memory.h"

namespace xlstm {
namespace {

// The value, in bytes, of a line "key:  123 kB" of a /proc file; 0 if it is not there.
std::uint64_t proc_bytes(const char* path, std::string_view key) {
  std::ifstream file(path);
  file.imbue(std::locale::classic());
  std::string word;
  while (file >> word) {
    if (word == key) {
      std::uint64_t kib = 0;
      return file >> kib ? kib * 1024 : 0;
    }
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

struct GroupFiles {
  const char *limit, *usage, *inactive, *active;
};

GroupFiles files_of(const cgroup::Group& group) {
  if (group.version == 2) return {"memory.max", "memory.current", "inactive_file", "active_file"};
  return {"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
          "total_active_file"};
}

// What a group may still take: its cached file pages are dropped before anything is refused.
std::uint64_t left_in(const cgroup::Group& group, std::uint64_t limit) {
  const GroupFiles names = files_of(group);
  const std::uint64_t usage = cgroup::number(group, names.usage).value_or(0);
  const std::uint64_t cached = cgroup::field(group, "memory.stat", names.inactive) +
                               cgroup::field(group, "memory.stat", names.active);
  const std::uint64_t held = usage - std::min(usage, cached);
  return limit - std::min(limit, held);
}

// As `ulimit -v` leaves it.
std::uint64_t left_of_address_space() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  const std::uint64_t used = proc_bytes("/proc/self/status", "VmSize:");
  return limit.rlim_cur - std::min<std::uint64_t>(limit.rlim_cur, used);
}

}  // namespace

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");  // pages: total, resident, ...
  file.imbue(std::locale::classic());
  std::uint64_t total = 0, resident = 0;
  if (!(file >> total >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t peak_resident_bytes() {
  return std::max(proc_bytes("/proc/self/status", "VmHWM:"), resident_bytes());
}

std::uint64_t physical_memory_bytes() {
  std::uint64_t bytes = proc_bytes("/proc/meminfo", "MemTotal:");
  for (const cgroup::Group& group : cgroup::groups("memory")) {
    bytes = std::min(bytes, cgroup::number(group, files_of(group).limit).value_or(bytes));
  }
  return bytes;
}

std::uint64_t available_memory_bytes() {
  std::uint64_t bytes = proc_bytes("/proc/meminfo", "MemAvailable:");
  for (const cgroup::Group& group : cgroup::groups("memory")) {
    const auto limit = cgroup::number(group, files_of(group).limit);
    if (limit) bytes = std::min(bytes, left_in(group, *limit));
  }
  return std::min(bytes, left_of_address_space());
}

}  // namespace xlstm
