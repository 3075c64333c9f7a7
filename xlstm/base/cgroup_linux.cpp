#include "xlstm/base/cgroup_linux.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <locale>

namespace xlstm::cgroup {
namespace {

// Whether "a,b,c" has `item`.
bool lists(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (list.substr(0, comma) == item) return true;
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return false;
}

// The groups from `path` outward under `mount`. In a container the path may name folders that only
// the host sees; those are left out, and the mount's root is the container's own group.
void add_chain(const std::string& mount, std::filesystem::path path, int version,
               std::vector<Group>& found) {
  std::error_code ignored;
  for (;;) {
    const std::filesystem::path folder = mount / path.relative_path();
    if (std::filesystem::is_directory(folder, ignored)) found.push_back({folder.string(), version});
    if (!path.has_relative_path()) return;
    path = path.parent_path();
  }
}

}  // namespace

std::vector<Group> groups(std::string_view controller, const std::string& list,
                          const std::string& mount) {
  std::vector<Group> found;
  std::ifstream file(list);  // lines "id:controllers:/path", version 2 has "0::/path"
  for (std::string text; std::getline(file, text);) {
    const std::size_t first = text.find(':');
    const std::size_t second = first == std::string::npos ? first : text.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = text.substr(first + 1, second - first - 1);
    const std::string path = text.substr(second + 1);
    if (controllers.empty()) {
      add_chain(mount, path, 2, found);
    } else if (lists(controllers, controller)) {
      add_chain(mount + '/' + std::string(controller), path, 1, found);
    }
  }
  return found;
}

std::optional<std::string> line(const Group& group, std::string_view name) {
  std::ifstream file(group.folder + '/' + std::string(name));
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  return text;
}

std::optional<std::uint64_t> number(const Group& group, std::string_view name) {
  const std::optional<std::string> text = line(group, name);
  std::uint64_t value = 0;
  if (!text) return std::nullopt;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::uint64_t field(const Group& group, std::string_view name, std::string_view key) {
  std::ifstream file(group.folder + '/' + std::string(name));
  file.imbue(std::locale::classic());
  std::string word;
  std::uint64_t value = 0;
  while (file >> word >> value) {
    if (word == key) return value;
  }
  return 0;
}

}  // namespace xlstm::cgroup
