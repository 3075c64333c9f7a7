// A repository's folder in the cache, as the Python library huggingface_hub lays it out:
//
//   CACHEDIR.TAG
//   .locks/models--org--name/ETAG.lock
//   models--org--name/blobs/ETAG                      a file's bytes, named by their hash
//   models--org--name/blobs/ETAG.incomplete           what came of them so far
//   models--org--name/refs/main                       the commit of a branch or tag
//   models--org--name/snapshots/COMMIT/config.json -> ../../blobs/ETAG
//   models--org--name/.no_exist/COMMIT/NAME           empty: the commit has no such file
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm {

class RepositoryFolder {
 public:
  RepositoryFolder(std::filesystem::path cache, const std::string& id);

  const std::filesystem::path& path() const { return folder_; }
  const std::filesystem::path& cache() const { return cache_; }
  std::filesystem::path blobs() const { return folder_ / "blobs"; }
  std::filesystem::path blob(const std::string& etag) const;
  std::filesystem::path incomplete(const std::string& etag) const;
  std::filesystem::path lock(const std::string& etag) const;
  std::filesystem::path locks() const;
  std::filesystem::path snapshots() const { return folder_ / "snapshots"; }
  std::filesystem::path snapshot(const std::string& commit) const;
  std::filesystem::path file(const std::string& commit, const std::string& name) const;
  std::filesystem::path absent(const std::string& commit, std::string_view name) const;

  // The commit that a branch or tag was when it was last asked for, or `revision` itself where it
  // is a whole commit; nullopt where the cache does not know.
  std::optional<std::string> commit_of(const std::string& revision) const;

  // All of these throw Error(kFile).
  void create() const;  // the folders, and the cache's tag
  // The link of a file in the repository's own folder to a blob that is there; one that is there
  // already is replaced.
  void link(const std::string& commit, const std::string& name, const std::string& etag) const;
  void set_ref(const std::string& revision, const std::string& commit) const;
  void set_absent(const std::string& commit, std::string_view name) const;

 private:
  std::filesystem::path cache_, folder_;
};

// The commit that a file below refs/ holds; nullopt for whatever else somebody put there.
std::optional<std::string> commit_in(const std::filesystem::path& ref);

// "models--org--name" -> "org/name"; nullopt for other folders.
std::optional<std::string> repository_id(const std::string& folder_name);

}  // namespace xlstm
