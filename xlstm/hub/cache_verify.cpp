#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/hub/cache.h"
#include "xlstm/hub/cache_files.h"
#include "xlstm/hub/content_hash.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

class Check {
 public:
  explicit Check(const std::function<void(std::uint64_t)>& on_bytes) : on_bytes_(on_bytes) {}

  void blob(const fs::path& path) {
    const std::string name = path.filename().string();
    if (name.ends_with(kIncomplete) || is_of_the_desktop(path)) return;
    if (!is_content_hash(name)) {
      found(path, "wanted a name that is a SHA-256 or a hash of git, got another");
      return;
    }
    try {
      const std::uint64_t size = bytes_of(path);
      ContentHash hash(hash_kind(name, path.string()), size);
      add_file(hash, path, size, [&](std::uint64_t bytes) {
        result.bytes += bytes;
        if (on_bytes_) on_bytes_(result.bytes);
      });
      ++result.files;
      if (const std::string digits = hash.digits(); digits != name) {
        found(path, "wanted bytes whose hash is its name, got " + digits);
      }
    } catch (const Error& error) {
      found(path, error.what());
    }
  }

  void link(const fs::path& path) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) found(path, "wanted a link to a file, got one to nothing");
  }

  CacheCheck result;

 private:
  void found(const fs::path& path, std::string what) {
    result.faults.push_back({path, std::move(what)});
  }
  const std::function<void(std::uint64_t)>& on_bytes_;
};

}  // namespace

CacheCheck verify_cached(const CachedRepository& repository,
                         const std::function<void(std::uint64_t)>& on_bytes) {
  Check check(on_bytes);
  for (const fs::path& blob : entries_of(repository.folder / "blobs")) check.blob(blob);
  for (const fs::path& file : files_below(repository.folder / "snapshots")) check.link(file);
  return std::move(check.result);
}

}  // namespace xlstm
