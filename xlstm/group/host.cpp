#include "xlstm/group/host.h"

#include <unistd.h>

#include <array>
#include <fstream>

namespace xlstm {

// The boot comes first: names may be alike, and long ones are cut.
std::string host_identity() {
  std::string boot;  // none where the system has no such file
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::array<char, kMostHostName> name{};
  ::gethostname(name.data(), name.size() - 1);
  return boot + " " + name.data();
}

}  // namespace xlstm
