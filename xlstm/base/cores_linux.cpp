#include <sched.h>

#include <algorithm>
#include <cmath>
#include <locale>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "xlstm/base/cgroup_linux.h"
#include "xlstm/base/cores.h"

namespace xlstm {
namespace {

// Cores in the affinity mask; 0 if it cannot be read.
std::size_t cores_in_mask() {
  // The kernel refuses a mask that is too small for its own, so offer larger ones.
  for (std::size_t sets = 1; sets <= 64; sets *= 2) {
    std::vector<cpu_set_t> mask(sets);
    const std::size_t bytes = sets * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, mask.data()) == 0) {
      return static_cast<std::size_t>(CPU_COUNT_S(bytes, mask.data()));
    }
  }
  return 0;
}

// A group's quota of processor time in cores ("200000 100000" is 2); nullopt without one.
std::optional<double> quota(const cgroup::Group& group) {
  double time = 0, period = 0;
  if (group.version == 2) {
    std::istringstream text(cgroup::line(group, "cpu.max").value_or(""));
    text.imbue(std::locale::classic());
    if (!(text >> time >> period)) return std::nullopt;  // "max 100000"
  } else {
    time = static_cast<double>(cgroup::number(group, "cpu.cfs_quota_us").value_or(0));
    period = static_cast<double>(cgroup::number(group, "cpu.cfs_period_us").value_or(0));
  }
  if (time <= 0 || period <= 0) return std::nullopt;
  return time / period;
}

}  // namespace

std::size_t usable_cores() {
  std::size_t cores = cores_in_mask();
  if (cores == 0) cores = std::max(std::thread::hardware_concurrency(), 1U);
  for (const cgroup::Group& group : cgroup::groups("cpu")) {
    const std::optional<double> limit = quota(group);
    if (limit && *limit < static_cast<double>(cores)) {
      cores = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(*limit)));
    }
  }
  return cores;
}

}  // namespace xlstm
