#include "xlstm/base/home_folder.h"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

namespace xlstm {

std::filesystem::path home_folder() {
  const char* set = std::getenv("HOME");
  if (set != nullptr && *set != '\0') return set;
  return home_folder_of(::getuid());
}

std::filesystem::path home_folder_of(uid_t user) {
  constexpr std::size_t kMostBytes = 1 << 20;
  for (std::vector<char> texts(1024); texts.size() <= kMostBytes; texts.resize(2 * texts.size())) {
    passwd row{};
    passwd* found = nullptr;
    const int error = ::getpwuid_r(user, &row, texts.data(), texts.size(), &found);
    if (error == ERANGE) continue;
    if (error != 0 || found == nullptr || found->pw_dir == nullptr) return {};
    return found->pw_dir;
  }
  return {};
}

std::filesystem::path user_cache_folder() {
  const char* set = std::getenv("XDG_CACHE_HOME");
  const std::filesystem::path named = set == nullptr ? "" : set;
  if (named.is_absolute()) return named;
  const std::filesystem::path home = home_folder();
  return home.empty() ? home : home / ".cache";
}

}  // namespace xlstm
