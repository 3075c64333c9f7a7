#include "xlstm/convert/new_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <random>
#include <system_error>

#include "xlstm/base/system.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

std::string random_suffix() {
  std::random_device random;
  const std::uint64_t number = (static_cast<std::uint64_t>(random()) << 32) | random();
  return str(::getpid(), "-", std::hex, number, ".tmp");
}

[[noreturn]] void fail_on(const fs::path& path, std::string_view action,
                          const std::error_code& error) {
  fail(ErrorKind::kFile, path.string(), str("cannot ", action, ": ", error.message()));
}

// What --force may remove: a model's own files, nothing that somebody put them beside.
void check_is_model(const fs::path& target) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(target, error)) ||
      !fs::is_regular_file(target / "config.json", error)) {
    fail_wanted(ErrorKind::kUsage, target.string(), "a model's folder to replace",
                "something else: remove it yourself");
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(target, error)) {
    if (!fs::is_directory(entry.symlink_status(error))) continue;
    fail_wanted(ErrorKind::kUsage, target.string(), "a model's folder to replace",
                str("one with a folder in it, ", quoted(entry.path().filename().string()),
                    ": remove it yourself"));
  }
  if (error) fail_on(target, "list it", error);
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

fs::path parent_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

}  // namespace

NewFolder::NewFolder(const fs::path& target, bool replace)
    : target_(target.has_filename() ? target : target.parent_path()) {
  check_target(target_, replace);
  std::error_code error;
  temporary_ = parent_of(target_) / (".xlstm-" + random_suffix());
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
  std::error_code error;
  fs::path old;
  if (fs::exists(fs::symlink_status(target_, error)) && !fs::is_empty(target_, error)) {
    old = parent_of(target_) / (".xlstm-" + random_suffix());
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
  sync(parent_of(target_));
  if (!old.empty()) fs::remove_all(old, error);
}

}  // namespace xlstm
