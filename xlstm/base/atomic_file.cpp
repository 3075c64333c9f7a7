#include "xlstm/base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>

#include "xlstm/base/system.h"

namespace xlstm {
namespace {

constexpr int kNameAttempts = 16;
constexpr std::size_t kMostPerCall = std::size_t{1} << 30;  // some systems refuse 2 GiB and more

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// Short whatever the target's name, which may already be as long as the file system allows.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  std::random_device random;
  const std::uint64_t number = (static_cast<std::uint64_t>(random()) << 32) | random();
  return folder_of(path) / str(".xlstm-", ::getpid(), "-", std::hex, number, ".tmp");
}

// Makes a rename in `folder` outlast a power cut. Not every file system can sync a folder.
void sync_folder(const std::filesystem::path& folder, const std::filesystem::path& path) {
  const int descriptor =
      uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return;  // a folder may be writable and not readable
  const int result = uninterrupted([&] { return ::fsync(descriptor); });
  const int error_number = errno;
  ::close(descriptor);
  if (result != 0 && error_number == EIO) fail_system(path, "sync its folder", error_number);
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    fail_wanted(ErrorKind::kFile, path.string(), "a file to write", "a folder");
  }
  // A rename would put a file in the place of a device or pipe, or of a link whose target stays
  // old.
  const auto status = std::filesystem::symlink_status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    fail_wanted(ErrorKind::kFile, path.string(), "a file to write", "a device, pipe or link");
  }
  for (int attempt = 0; attempt < kNameAttempts && descriptor_ < 0; ++attempt) {
    temporary_ = temporary_name(path);
    descriptor_ = uninterrupted(
        [&] { return ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); });
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0) fail_system(path, "create a file in its folder", errno);
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  check_open();
  while (!bytes.empty()) {
    const std::size_t wanted = std::min(bytes.size(), kMostPerCall);
    const ssize_t written =
        uninterrupted([&] { return ::write(descriptor_, bytes.data(), wanted); });
    if (written < 0) give_up("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write(std::string_view text) {
  write(std::as_bytes(std::span(text.data(), text.size())));
}

void AtomicFile::commit() {
  check_open();
  if (uninterrupted([&] { return ::fsync(descriptor_); }) != 0) give_up("sync");
  close_descriptor();
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) give_up("rename the new file to this");
  temporary_.clear();
  sync_folder(folder_of(path_), path_);
}

void AtomicFile::check_open() const {
  if (descriptor_ < 0) fail(ErrorKind::kInternal, path_.string(), "written to after its end");
}

// Quotas of network file systems may speak only here. The descriptor is gone even when it fails.
void AtomicFile::close_descriptor() {
  if (::close(std::exchange(descriptor_, -1)) != 0 && errno != EINTR) give_up("close");
}

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::give_up(std::string_view action) {
  const int error_number = errno;
  discard();
  fail_system(path_, action, error_number);
}

}  // namespace xlstm
