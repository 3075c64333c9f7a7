#include "xlstm/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr mode_t kMode = 0666;  // less the umask, as any new file

std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  std::random_device random;
  std::filesystem::path out = path;
  out += str(".", ::getpid(), "-", random(), ".part");
  return out;
}

// Makes a rename in `folder` last through a power cut, where the file system can.
void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path)
    : path_(path), temporary_(temporary_beside(path)) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    fail_wanted(ErrorKind::kFile, path.string(), "a file to write", "a folder");
  }
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  if (descriptor_ < 0) fail_here("cannot be created");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail_here(std::string_view action) const {
  fail(ErrorKind::kFile, path_.string(), str(action, ": ", std::strerror(errno)));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_here("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail_here("cannot be written");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_here("cannot be replaced");
  ::close(descriptor_);
  descriptor_ = -1;
  sync_folder(path_.parent_path());
}

}  // namespace xlstm
