#include "xlstm/convert/new_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <random>
#include <system_error>

#include "xlstm/base/system.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

std::string unfinished_name() {
  std::random_device random;
  const std::uint64_t number = (static_cast<std::uint64_t>(random()) << 32) | random();
  return str(kUnfinishedFolder, ::getpid(), "-", hexadecimal(number), ".tmp");
}

[[noreturn]] void fail_on(const fs::path& path, std::string_view action,
                          const std::error_code& error) {
  fail(ErrorKind::kFile, path.string(), str("cannot ", action, ": ", error.message()));
}

// What --force may remove: a model's own files, and no folder that holds anything else.
void check_is_model(const fs::path& target) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(target, error)) ||
      !fs::is_regular_file(target / "config.json", error)) {
    fail_wanted(ErrorKind::kUsage, target.string(), "a model's folder to replace",
                "something else: remove it yourself");
  }
  bool weights = false;
  fs::directory_iterator entry(target, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path& path = entry->path();
    weights = weights || path.extension() == ".safetensors";
    std::error_code ignored;
    if (!fs::is_directory(fs::symlink_status(path, ignored))) continue;
    fail_wanted(
        ErrorKind::kUsage, target.string(), "a model's folder to replace",
        str("one with a folder in it, ", quoted(path.filename().string()), ": remove it yourself"));
  }
  if (error) fail_on(target, "list it", error);
  if (!weights) {
    fail_wanted(ErrorKind::kUsage, target.string(), "a model's folder to replace",
                "one without a .safetensors file: remove it yourself");
  }
}

void check_target(const fs::path& target, bool replace) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(target, error);
  if (!fs::exists(status)) return;
  if (fs::is_directory(status) && fs::is_empty(target, error)) return;
  if (replace) return check_is_model(target);
  fail_wanted(ErrorKind::kUsage, target.string(), "a name that is free",
              "one that exists; --force replaces a model");
}

void sync(const fs::path& folder) {
  const int descriptor =
      uninterrupted([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return;                          // a folder may be writable and not readable
  uninterrupted([&] { return ::fsync(descriptor); });  // not every file system can
  ::close(descriptor);
}

// Absolute and without "." and "..": "out/." has its parent beside it, not inside.
fs::path plain_path(const fs::path& target) {
  std::error_code error;
  const fs::path absolute = fs::absolute(target, error);
  if (error) fail_on(target, "find it", error);
  const fs::path plain = absolute.lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

// An empty folder whose name the new one can take over: not one that something is mounted on, which
// cannot be renamed.
void check_can_be_renamed(const fs::path& target) {
  struct stat folder, parent;
  if (::lstat(target.c_str(), &folder) != 0) return;
  if (target.has_relative_path() && ::stat(target.parent_path().c_str(), &parent) == 0 &&
      folder.st_dev == parent.st_dev) {
    return;
  }
  fail_wanted(ErrorKind::kUsage, target.string(), "a name that is free", "a mounted folder");
}

}  // namespace

NewFolder::NewFolder(const fs::path& target, bool replace)
    : target_(plain_path(target)), replace_(replace) {
  check_target(target_, replace_);
  check_can_be_renamed(target_);
  std::error_code error;
  temporary_ = target_.parent_path() / unfinished_name();
  if (!fs::create_directory(temporary_, error)) {
    fail_on(target_, "create a folder beside it", error);
  }
}

NewFolder::~NewFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void NewFolder::commit() {
  sync(temporary_);
  check_target(target_, replace_);  // again: a conversion takes minutes
  std::error_code error;
  fs::path old;
  if (fs::exists(fs::symlink_status(target_, error)) && !fs::is_empty(target_, error)) {
    old = target_.parent_path() / unfinished_name();
    fs::rename(target_, old, error);
    if (error) fail_on(target_, "move it aside", error);
  }
  fs::rename(temporary_, target_, error);
  if (error) {
    std::error_code ignored;
    if (!old.empty()) fs::rename(old, target_, ignored);
    fail_on(target_, "rename the new folder to this", error);
  }
  temporary_.clear();
  sync(target_.parent_path());
  if (!old.empty()) fs::remove_all(old, error);
}

}  // namespace xlstm
