#include <mach-o/dyld.h>

#include <array>
#include <cstdint>

#include "xlstm/base/program.h"

namespace xlstm {

std::filesystem::path program_file() {
  std::array<char, 4096> path{};
  auto size = static_cast<std::uint32_t>(path.size());
  return _NSGetExecutablePath(path.data(), &size) == 0 ? std::filesystem::path(path.data())
                                                       : std::filesystem::path();
}

// Nothing here does that for a program that does not ask itself.
void end_with_parent() noexcept {}

}  // namespace xlstm
