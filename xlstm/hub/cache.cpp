#include "xlstm/hub/cache.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/hub/cache_files.h"
#include "xlstm/hub/remote_names.h"
#include "xlstm/hub/repository_folder.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

CachedRevision revision_of(const fs::path& snapshot) {
  CachedRevision revision{.commit = snapshot.filename().string()};
  for (const fs::path& file : files_below(snapshot)) {
    if (is_of_the_desktop(file)) continue;
    ++revision.files;
    revision.bytes += bytes_of(file);
  }
  return revision;
}

// commit -> names of branches and tags
std::map<std::string, std::vector<std::string>> refs_of(const fs::path& folder) {
  std::map<std::string, std::vector<std::string>> refs;
  for (const fs::path& file : files_below(folder / "refs")) {
    if (const auto commit = commit_in(file)) {
      refs[*commit].push_back(file.lexically_relative(folder / "refs").string());
    }
  }
  return refs;
}

CachedRepository repository_of(const fs::path& folder, const std::string& id) {
  CachedRepository repository{.id = id, .folder = folder};
  const auto refs = refs_of(folder);
  for (const fs::path& snapshot : entries_of(folder / "snapshots")) {
    std::error_code ignored;
    if (!fs::is_directory(snapshot, ignored)) continue;
    CachedRevision revision = revision_of(snapshot);
    const auto found = refs.find(revision.commit);
    if (found != refs.end()) revision.refs = found->second;
    repository.revisions.push_back(std::move(revision));
  }
  for (const fs::path& blob : entries_of(folder / "blobs")) {
    if (is_of_the_desktop(blob)) continue;
    const std::uint64_t bytes = bytes_of(blob);
    repository.bytes += bytes;
    if (blob.filename().string().ends_with(kIncomplete)) repository.incomplete += bytes;
  }
  return repository;
}

}  // namespace

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  if (!fs::is_directory(folder, error)) return entries;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    entries.push_back(entry->path());
  }
  if (error) fail(ErrorKind::kFile, folder.string(), "cannot list the folder: " + error.message());
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const fs::path& entry : entries_of(folder)) {
    std::error_code ignored;
    if (fs::is_directory(fs::symlink_status(entry, ignored))) {
      const std::vector<fs::path> below = files_below(entry);
      files.insert(files.end(), below.begin(), below.end());
    } else {
      files.push_back(entry);
    }
  }
  return files;
}

bool is_of_the_desktop(const fs::path& file) {
  return file.filename() == ".DS_Store";
}

std::uint64_t bytes_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(file, error);
  return error ? 0 : bytes;
}

std::vector<CachedRepository> cached_repositories(const fs::path& cache) {
  std::vector<CachedRepository> repositories;
  for (const fs::path& entry : entries_of(cache)) {
    const auto id = repository_id(entry.filename().string());
    std::error_code ignored;
    if (id && fs::is_directory(entry, ignored)) repositories.push_back(repository_of(entry, *id));
  }
  return repositories;
}

}  // namespace xlstm
