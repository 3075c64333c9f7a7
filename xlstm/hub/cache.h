// What the hub's cache holds: to list, to remove, to check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/hub/hub.h"

namespace xlstm {

struct CachedRevision {
  std::string commit = {};
  std::vector<std::string> refs =
      {};  // branches and tags that are this commit, as far as known here
  std::size_t files = 0;
  std::uint64_t bytes = 0;  // of its files, shared with other revisions or not
};

struct CachedRepository {
  std::string id = {};
  std::filesystem::path folder = {};
  std::vector<CachedRevision> revisions = {};
  std::uint64_t bytes = 0;       // on disk, each file once
  std::uint64_t incomplete = 0;  // of them, of downloads that did not end
};

// The models in `cache`, by name; none where there is no such folder. Throws Error(kFile) where it
// cannot be read.
std::vector<CachedRepository> cached_repositories(const std::filesystem::path& cache);

// What removing would take away: the whole repository where `name.revision` is "", else the
// revision that is this branch, tag, commit or beginning of a commit (7 digits or more), and the
// files that no other revision has. Throws Error(kUsage) where the cache has no such, or several.
struct CacheRemoval {
  std::string id = {};
  std::vector<std::string> commits = {};
  bool whole = false;       // nothing else of the repository is left
  std::uint64_t bytes = 0;  // freed
};
CacheRemoval plan_removal(const std::filesystem::path& cache, const RepositoryName& name);

// Does it. A file that somebody is fetching at this moment stays. Throws Error(kFile).
void remove_cached(const std::filesystem::path& cache, const CacheRemoval& removal);

struct CacheFault {
  std::filesystem::path path;
  std::string what;  // "wanted ..., got ..."
};

struct CacheCheck {
  std::size_t files = 0;  // whose bytes were read
  std::uint64_t bytes = 0;
  std::vector<CacheFault> faults;
};

// Compares the bytes of every file of `repository` with its name, and follows every link. The
// callback gets the bytes read so far; it may throw to stop.
CacheCheck verify_cached(const CachedRepository& repository,
                         const std::function<void(std::uint64_t)>& on_bytes = {});

}  // namespace xlstm
