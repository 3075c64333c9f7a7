#include "xlstm/hub/leftovers.h"

#include <optional>
#include <system_error>

#include "xlstm/base/error.h"
#include "xlstm/hub/cache_files.h"
#include "xlstm/hub/file_lock.h"

namespace xlstm {
namespace {

namespace fs = std::filesystem;

void clear_part(const RepositoryFolder& folder, const std::string& etag) {
  std::error_code ignored;
  if (!fs::exists(folder.blob(etag), ignored)) return;
  const std::optional<FileLock> lock = FileLock::try_lock(folder.lock(etag));
  if (lock) fs::remove(folder.incomplete(etag), ignored);
}

}  // namespace

void clear_leftovers(const RepositoryFolder& folder) {
  try {
    for (const fs::path& part : entries_of(folder.blobs())) {
      std::string name = part.filename().string();
      if (!name.ends_with(kIncomplete)) continue;
      name.resize(name.size() - kIncomplete.size());
      clear_part(folder, name);
    }
  } catch (const Error&) {  // they only take room
  }
}

}  // namespace xlstm
