// cores.h and memory.h on Linux.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#include "xlstm/base/cores.h"
#include "xlstm/base/memory.h"

namespace xlstm {
namespace {

// "Name:   123 kB" of a /proc file, in bytes; 0 if there is none.
std::uint64_t proc_field(const char* file, const std::string& name) {
  std::ifstream in(file);
  std::string word;
  while (in >> word) {
    std::uint64_t kilobytes = 0;
    if (word == name && in >> kilobytes) return kilobytes * 1024;
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

// A number in a control group's file; `otherwise` if there is none ("max" included).
std::uint64_t group_number(const char* file, std::uint64_t otherwise) {
  std::uint64_t value = 0;
  return std::ifstream(file) >> value ? value : otherwise;
}

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

std::uint64_t group_limit() {
  return std::min(group_number("/sys/fs/cgroup/memory.max", kNoLimit),
                  group_number("/sys/fs/cgroup/memory/memory.limit_in_bytes", kNoLimit));
}

std::uint64_t group_use() {
  return std::max(group_number("/sys/fs/cgroup/memory.current", 0),
                  group_number("/sys/fs/cgroup/memory/memory.usage_in_bytes", 0));
}

}  // namespace

std::size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    return std::max<std::size_t>(1, static_cast<std::size_t>(CPU_COUNT(&set)));
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

std::uint64_t resident_bytes() {
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t peak_resident_bytes() {
  return proc_field("/proc/self/status", "VmHWM:");
}

std::uint64_t physical_memory_bytes() {
  return std::min(proc_field("/proc/meminfo", "MemTotal:"), group_limit());
}

std::uint64_t available_memory_bytes() {
  const std::uint64_t machine = proc_field("/proc/meminfo", "MemAvailable:");
  const std::uint64_t limit = group_limit();
  if (limit == kNoLimit) return machine;
  // The group's use counts file pages too, which can be dropped: this errs on the careful side.
  return std::min(machine, limit - std::min(limit, group_use()));
}

}  // namespace xlstm
