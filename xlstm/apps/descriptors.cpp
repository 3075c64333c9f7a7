#include "xlstm/apps/descriptors.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "xlstm/apps/interrupts.h"

namespace xlstm::apps {

void occupy_standard_descriptors() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(number, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is this one. For the wrong direction: each use is an error.
    const int wrong = number == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (open("/dev/null", wrong) < 0) open("/", O_RDONLY);  // a container without devices
  }
}

Written write_whole(int descriptor, std::string_view text) {
  while (!text.empty()) {
    if (!wait_writable(descriptor)) return Written::kInterrupted;
    // No more than a pipe takes without waiting once it can be written: write() itself may not be
    // where we wait, because a signal just before it would not end the wait.
    const std::size_t size = std::min<std::size_t>(text.size(), PIPE_BUF);
    const ssize_t gone = write(descriptor, text.data(), size);
    if (gone >= 0) {
      text.remove_prefix(static_cast<std::size_t>(gone));
    } else if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK) {
      return Written::kFailed;
    }
  }
  return Written::kAll;
}

}  // namespace xlstm::apps
