#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/hub/cache.h"
#include "xlstm/hub/cache_files.h"
#include "xlstm/hub/file_lock.h"
#include "xlstm/hub/repository_folder.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFewestDigits = 7;  // of a commit that is not written out

CachedRepository find_repository(const fs::path& cache, const RepositoryName& name) {
  for (CachedRepository& repository : cached_repositories(cache)) {
    if (repository.id == name.id) return std::move(repository);
  }
  fail_wanted(ErrorKind::kUsage, text_of(name), "a repository in the cache " + cache.string(),
              "none of that name (xlstm cache ls lists them)");
}

bool is_meant(const CachedRevision& revision, const std::string& name) {
  return std::find(revision.refs.begin(), revision.refs.end(), name) != revision.refs.end() ||
         (name.size() >= kFewestDigits && revision.commit.starts_with(name));
}

std::vector<std::string> commits_to_remove(const CachedRepository& repository,
                                           const RepositoryName& name) {
  std::vector<std::string> commits;
  for (const CachedRevision& revision : repository.revisions) {
    if (name.revision.empty() || is_meant(revision, name.revision)) {
      commits.push_back(revision.commit);
    }
  }
  if (name.revision.empty() || commits.size() == 1) return commits;
  fail_wanted(ErrorKind::kUsage, text_of(name), "one revision in the cache",
              commits.empty() ? "none of that name" : str(commits.size(), " of them"));
}

// Names of blobs that links below these snapshots lead to.
std::set<std::string> blobs_of(const std::vector<fs::path>& snapshots) {
  std::set<std::string> names;
  for (const fs::path& snapshot : snapshots) {
    for (const fs::path& file : files_below(snapshot)) {
      std::error_code error;
      const fs::path target = fs::read_symlink(file, error);
      if (!error) names.insert(target.filename().string());
    }
  }
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Blobs that only the commits to be removed have.
std::set<std::string> freed_blobs(const fs::path& folder, const std::vector<std::string>& commits) {
  std::vector<fs::path> going, staying;
  for (const fs::path& snapshot : entries_of(folder / "snapshots")) {
    (contains(commits, snapshot.filename().string()) ? going : staying).push_back(snapshot);
  }
  std::set<std::string> freed = blobs_of(going);
  for (const std::string& name : blobs_of(staying)) freed.erase(name);
  return freed;
}

void remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) fail(ErrorKind::kFile, path.string(), "cannot remove: " + error.message());
}

void remove_revision(const RepositoryFolder& folder, const CachedRepository& repository,
                     const std::string& commit) {
  for (const CachedRevision& revision : repository.revisions) {
    if (revision.commit != commit) continue;
    for (const std::string& ref : revision.refs) remove_tree(folder.path() / "refs" / ref);
  }
  remove_tree(folder.path() / ".no_exist" / commit);
  remove_tree(folder.path() / "trees" / (commit + ".json"));
  remove_tree(folder.snapshot(commit));
}

constexpr const char* kRemoved = ".removed-";

// At once: who fetches at this moment finds no folder any more, and not a part of one.
void remove_whole(const RepositoryFolder& folder) {
  const fs::path away = folder.cache() / (kRemoved + folder.path().filename().string() + "-" +
                                          std::to_string(::getpid()));
  std::error_code error;
  fs::rename(folder.path(), away, error);
  if (error) fail(ErrorKind::kFile, folder.path().string(), "cannot remove: " + error.message());
  remove_tree(folder.locks());
  for (const fs::path& entry : entries_of(folder.cache())) {  // of killed processes, too
    if (entry.filename().string().starts_with(kRemoved)) remove_tree(entry);
  }
}

// Under its lock, and only if still nobody has it: another program may just have linked to it.
void remove_blob(const RepositoryFolder& folder, const std::string& name) {
  std::error_code ignored;
  fs::create_directories(folder.locks(), ignored);
  const std::optional<FileLock> lock = FileLock::try_lock(folder.lock(name));
  if (!lock || blobs_of(entries_of(folder.snapshots())).contains(name)) return;
  remove_tree(folder.blob(name));
}

}  // namespace

CacheRemoval plan_removal(const fs::path& cache, const RepositoryName& name) {
  const CachedRepository repository = find_repository(cache, name);
  CacheRemoval removal{.id = repository.id, .commits = commits_to_remove(repository, name)};
  removal.whole = removal.commits.size() == repository.revisions.size();
  if (removal.whole) {
    removal.bytes = repository.bytes;
    return removal;
  }
  for (const std::string& blob : freed_blobs(repository.folder, removal.commits)) {
    removal.bytes += bytes_of(repository.folder / "blobs" / blob);
  }
  return removal;
}

void remove_cached(const fs::path& cache, const CacheRemoval& removal) {
  const CachedRepository repository = find_repository(cache, {removal.id, ""});
  const RepositoryFolder folder(cache, removal.id);
  if (removal.whole) return remove_whole(folder);
  const std::set<std::string> freed = freed_blobs(folder.path(), removal.commits);
  for (const std::string& commit : removal.commits) remove_revision(folder, repository, commit);
  for (const std::string& blob : freed) remove_blob(folder, blob);
}

}  // namespace xlstm
