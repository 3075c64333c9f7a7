#include "xlstm/hub/repository_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <random>
#include <system_error>

#include "xlstm/base/atomic_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/numbers.h"
#include "xlstm/base/system.h"
#include "xlstm/hub/hub.h"
#include "xlstm/hub/remote_names.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--";
constexpr std::uint64_t kMostRefBytes = 4096;
// The standard's signature, so that programs that make backups leave the cache out.
constexpr std::string_view kTag =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# A cache of models; its files can be fetched again.\n"
    "# See https://bford.info/cachedir/\n";

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorKind::kFile, folder.string(), "cannot make this folder: " + error.message());
}

std::string folder_name(const std::string& id) {
  std::string name(kPrefix);
  for (const char c : id) {
    if (c == '/') {
      name += "--";
    } else {
      name += c;
    }
  }
  return name;
}

// In the repository's folder, where nobody looks: what a killed process leaves among snapshots or
// refs would be taken for one of them.
fs::path temporary_in(const fs::path& folder) {
  std::random_device random;
  return folder / str(".xlstm-", ::getpid(), "-", hexadecimal(random()), ".tmp");
}

void move_to(const fs::path& temporary, const fs::path& path) {
  std::error_code error, ignored;
  fs::rename(temporary, path, error);
  if (!error) return;
  fs::remove(temporary, ignored);
  fail(ErrorKind::kFile, path.string(), "cannot be put here: " + error.message());
}

}  // namespace

std::optional<std::string> repository_id(const std::string& folder_name) {
  if (!folder_name.starts_with(kPrefix)) return std::nullopt;
  std::string id = folder_name.substr(kPrefix.size());
  const std::size_t dashes = id.find("--");
  if (dashes != std::string::npos) id.replace(dashes, 2, "/");
  return repository_name("hf://" + id) ? std::optional(id) : std::nullopt;
}

std::optional<std::string> commit_in(const fs::path& ref) {
  std::error_code ignored;
  if (!fs::is_regular_file(ref, ignored)) return std::nullopt;
  try {
    std::string commit = whole_file(ref, kMostRefBytes);
    while (commit.ends_with('\n')) commit.pop_back();
    return is_commit(commit) ? std::optional(commit) : std::nullopt;
  } catch (const Error&) {  // too long, or not ours to read
    return std::nullopt;
  }
}

RepositoryFolder::RepositoryFolder(fs::path cache, const std::string& id)
    : cache_(std::move(cache)), folder_(cache_ / folder_name(id)) {}

fs::path RepositoryFolder::blob(const std::string& etag) const {
  return blobs() / etag;
}
fs::path RepositoryFolder::incomplete(const std::string& etag) const {
  return blobs() / (etag + ".incomplete");
}
fs::path RepositoryFolder::locks() const {
  return cache_ / ".locks" / folder_.filename();
}
fs::path RepositoryFolder::lock(const std::string& etag) const {
  return locks() / (etag + ".lock");
}
fs::path RepositoryFolder::snapshot(const std::string& commit) const {
  return snapshots() / commit;
}
fs::path RepositoryFolder::file(const std::string& commit, const std::string& name) const {
  return snapshot(commit) / name;
}
fs::path RepositoryFolder::absent(const std::string& commit, std::string_view name) const {
  return folder_ / ".no_exist" / commit / name;
}

std::optional<std::string> RepositoryFolder::commit_of(const std::string& revision) const {
  return is_commit(revision) ? revision : commit_in(folder_ / "refs" / revision);
}

void RepositoryFolder::create() const {
  make_folders(blobs());
  make_folders(snapshots());
  make_folders(locks());
  const fs::path tag = cache_ / "CACHEDIR.TAG";
  std::error_code ignored;
  if (fs::exists(tag, ignored)) return;
  AtomicFile file(tag);
  file.write(kTag);
  file.commit();
}

void RepositoryFolder::link(const std::string& commit, const std::string& name,
                            const std::string& etag) const {
  const fs::path path = file(commit, name);
  std::error_code error;
  // Not its parents: where somebody removed the repository there is no blob to link to.
  fs::create_directory(path.parent_path(), error);
  const fs::path target = fs::path(blob(etag)).lexically_relative(path.parent_path());
  // Elsewhere and then renamed: at no moment there is none where there was one.
  const fs::path temporary = temporary_in(folder_);
  if (!error) fs::create_symlink(target, temporary, error);
  if (!error) move_to(temporary, path);
  if (error) fail(ErrorKind::kFile, path.string(), "cannot make this link: " + error.message());
}

void RepositoryFolder::set_ref(const std::string& revision, const std::string& commit) const {
  if (is_commit(revision) || commit_of(revision) == commit) return;
  const fs::path path = folder_ / "refs" / revision;
  make_folders(path.parent_path());
  const fs::path temporary = temporary_in(folder_);
  AtomicFile file(temporary);
  file.write(commit);
  file.commit();
  move_to(temporary, path);
}

void RepositoryFolder::set_absent(const std::string& commit, std::string_view name) const {
  const fs::path path = absent(commit, name);
  make_folders(path.parent_path());
  const int descriptor =
      uninterrupted([&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666); });
  if (descriptor < 0) fail_system(path, "create", errno);
  ::close(descriptor);
}

}  // namespace xlstm
