// The system's own words in our errors.
#pragma once

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string_view>

#include "xlstm/base/error.h"

namespace xlstm {

// Throws Error(kFile): "[path] cannot `action`: the system's reason for `error_number` (an errno)".
[[noreturn]] void fail_system(const std::filesystem::path& path, std::string_view action,
                              int error_number);

// Bytes that one read() or write() is asked for at most: some systems refuse 2 GiB and more.
inline constexpr std::size_t kMostBytesPerCall = std::size_t{1} << 30;

// Runs a system call until no signal interrupts it.
template <typename Call>
auto uninterrupted(const Call& call) -> decltype(call()) {
  for (;;) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

}  // namespace xlstm
