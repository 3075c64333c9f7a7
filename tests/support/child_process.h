// Runs code in a process of its own, which may end badly.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

#include "xlstm/base/error.h"

namespace xlstm {

// Starts `action` in a child; its result, an int, is the child's exit status (99: it threw).
template <typename Action>
pid_t start_child(const Action& action) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child > 0) return child;
  int status = 99;
  try {
    status = action();
  } catch (...) {
  }
  ::_exit(status);
}

// The exit status of a child, or minus the signal that ended it.
inline int wait_for(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid failed");
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Gives up the rights of the superuser, whom no permission stops. For children only.
inline bool drop_superuser() {
  constexpr unsigned kNobody = 65534;
  return ::geteuid() != 0 || (::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
}

// Whether `open`, called without the superuser's rights, throws an Error(kFile) that says EACCES.
template <typename Open>
bool is_denied(const Open& open) {
  const pid_t child = start_child([&] {
    if (!drop_superuser()) return 2;
    try {
      open();
      return 3;
    } catch (const Error& error) {
      const bool says = std::string(error.what()).find(std::strerror(EACCES)) != std::string::npos;
      return error.kind() == ErrorKind::kFile && says ? 0 : 4;
    }
  });
  return wait_for(child) == 0;
}

}  // namespace xlstm
