#include "xlstm/hub/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "xlstm/base/system.h"

namespace xlstm {
namespace {

constexpr mode_t kMode = 0664;  // as the Python library's: a group may share a cache

int open_lock(const std::filesystem::path& path) {
  const int descriptor =
      uninterrupted([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode); });
  if (descriptor < 0) fail_system(path, "open the lock", errno);
  return descriptor;
}

// The file's descriptor, locked; -1: another has it. Newer versions of filelock remove the file
// when they let go: who then has the lock of a file without a name has none.
int try_to_lock(const std::filesystem::path& path) {
  for (;;) {
    const int descriptor = open_lock(path);
    const int result = uninterrupted([&] { return ::flock(descriptor, LOCK_EX | LOCK_NB); });
    const bool is_taken = result != 0 && errno == EWOULDBLOCK;
    struct stat status {};
    const bool has_name = ::fstat(descriptor, &status) != 0 || status.st_nlink > 0;
    if (!is_taken && has_name) return descriptor;
    ::close(descriptor);
    if (is_taken) return -1;
  }
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path, const std::function<void()>& wait) {
  while ((descriptor_ = try_to_lock(path)) < 0) wait();
}

std::optional<FileLock> FileLock::try_lock(const std::filesystem::path& path) {
  const int descriptor = try_to_lock(path);
  return descriptor < 0 ? std::nullopt : std::optional(FileLock(descriptor));
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

}  // namespace xlstm
