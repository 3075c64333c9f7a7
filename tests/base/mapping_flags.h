// What Linux says of the mapping that an address lies in.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>

namespace xlstm {

// Whether /proc/self/smaps gives the address's mapping this flag: "hg" is MADV_HUGEPAGE.
inline bool has_mapping_flag(const void* address, const std::string& flag) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream file("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    if (words >> std::hex >> begin >> dash >> end && dash == '-') {
      inside = begin <= wanted && wanted < end;
    } else if (inside && line.starts_with("VmFlags:")) {
      return line.find(" " + flag) != std::string::npos;
    }
  }
  return false;
}

}  // namespace xlstm
