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
constexpr int kMostLinks = 40;
constexpr mode_t kPlainMode = 0666;  // less the umask, as for any new file

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// Short whatever the target's name, which may already be as long as the file system allows.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  std::random_device random;
  const std::uint64_t number = (static_cast<std::uint64_t>(random()) << 32) | random();
  return folder_of(path) / str(".xlstm-", ::getpid(), "-", hexadecimal(number), ".tmp");
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

[[noreturn]] void fail_open_already(const std::filesystem::path& path) {
  fail_wanted(ErrorKind::kFile, path.string(), "a file to write", "a stream that is open already");
}

// Names of what a process has open (/dev/stdout and /dev/fd/1 lead to one), and the rest of /proc.
// For Linux they are links to the file itself, which a rename would take away from whoever writes
// to it.
bool is_open_descriptor(const std::filesystem::path& path) {
  std::error_code none;
  const std::string folder = std::filesystem::canonical(folder_of(path), none).string();
  return folder == "/dev/fd" || folder == "/proc" || folder.starts_with("/proc/");
}

// Where `path` leads, through links; the last one may lead to nothing yet.
std::filesystem::path target_of(const std::filesystem::path& path) {
  std::filesystem::path target = path;
  for (int links = 0; links < kMostLinks; ++links) {
    if (is_open_descriptor(target)) fail_open_already(path);
    std::error_code not_a_link;
    const auto next = std::filesystem::read_symlink(target, not_a_link);
    if (not_a_link) return target;
    target = folder_of(target) / next;  // `next` alone if it is absolute
  }
  fail_system(path, "follow its links", ELOOP);
}

// Whether standard input, output or errors are this file: `program > file` would lose what it
// writes.
bool is_standard_stream(const struct stat& file) {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    struct stat open = {};
    const bool is_open = ::fstat(number, &open) == 0;
    if (is_open && open.st_dev == file.st_dev && open.st_ino == file.st_ino) return true;
  }
  return false;
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// A rename asks for no permission of the file that goes, and would put a file in a device's place.
void check_replaceable(const std::filesystem::path& path, const std::filesystem::path& target,
                       const struct stat& old) {
  if (!S_ISREG(old.st_mode)) {
    fail_wanted(ErrorKind::kFile, path.string(), "a file to write", kind_of(old.st_mode));
  }
  if (is_standard_stream(old)) fail_open_already(path);
  if (::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) {
    fail_system(path, "write", errno);
  }
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(target_of(path)) {
  struct stat old = {};
  const bool replaces = ::lstat(path_.c_str(), &old) == 0;
  // The temporary file's name is short: without this a name that is not would be seen at the end.
  if (!replaces && errno == ENAMETOOLONG) fail_system(path, "write", errno);
  if (replaces) check_replaceable(path, path_, old);
  create(replaces ? old.st_mode & kPlainMode : kPlainMode);
  if (replaces) take_permissions_of(old);
}

void AtomicFile::create(unsigned mode) {
  for (int attempt = 0; attempt < kNameAttempts && descriptor_ < 0; ++attempt) {
    temporary_ = temporary_name(path_);
    descriptor_ = uninterrupted(
        [&] { return ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode); });
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ >= 0) return;
  temporary_.clear();
  fail_system(path_, "create a file in its folder", errno);
}

// Never more than the old file allowed: what its group might do, another group may not.
void AtomicFile::take_permissions_of(const struct stat& old) {
  struct stat now = {};
  bool same_group = ::fstat(descriptor_, &now) == 0 && now.st_gid == old.st_gid;
  if (!same_group) same_group = ::fchown(descriptor_, static_cast<uid_t>(-1), old.st_gid) == 0;
  const mode_t mode = old.st_mode & kPlainMode & ~(same_group ? 0U : unsigned{S_IRWXG});
  if (::fchmod(descriptor_, mode) != 0) give_up("set the permissions of");
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  check_open();
  while (!bytes.empty()) {
    const std::size_t wanted = std::min(bytes.size(), kMostBytesPerCall);
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
