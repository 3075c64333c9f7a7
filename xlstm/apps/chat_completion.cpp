#include "xlstm/apps/chat_completion.h"

#include <algorithm>
#include <filesystem>

#include "xlstm/apps/chat_session.h"
#include "xlstm/apps/values.h"

namespace xlstm::apps {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> commands_that_begin(std::string_view start) {
  std::vector<std::string> words;
  for (const auto& [name, follows] : chat_commands()) {
    if (!name.starts_with(start)) continue;
    words.push_back(std::string(name) + (follows == Follows::kNothing ? "" : " "));
  }
  return words;
}

std::vector<std::string> files_that_begin(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder(path.substr(0, slash == std::string_view::npos ? 0 : slash + 1));
  const std::string_view start = path.substr(folder.size());
  std::vector<std::string> words;
  std::error_code failed;
  fs::directory_iterator entry(folder.empty() ? fs::path(".") : fs::path(folder), failed);
  for (; !failed && entry != fs::directory_iterator(); entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    const bool hidden = name.starts_with('.') && !start.starts_with('.');
    if (hidden || !name.starts_with(start) || !is_printable(name)) continue;
    std::error_code unknown;
    words.push_back(folder + name + (entry->is_directory(unknown) ? "/" : ""));
  }
  std::ranges::sort(words);
  return words;
}

}  // namespace

std::optional<Choices> complete_chat(std::string_view before) {
  const bool command = before.starts_with('/') && !before.starts_with("//");
  if (!command || before.find('\n') != std::string_view::npos) return std::nullopt;
  const std::size_t blank = before.find(' ');
  if (blank == std::string_view::npos) return Choices{0, commands_that_begin(before)};
  const auto found = chat_commands().find(before.substr(0, blank));
  if (found == chat_commands().end() || found->second != Follows::kFile) return std::nullopt;
  const std::size_t from = std::min(before.find_first_not_of(' ', blank), before.size());
  return Choices{from, files_that_begin(before.substr(from))};
}

}  // namespace xlstm::apps
