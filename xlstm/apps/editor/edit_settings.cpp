#include "xlstm/apps/editor/edit_settings.h"

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

std::string read_settings(const char* variable, const char* name) {
  const char* file = std::getenv(variable);
  const char* home = std::getenv("HOME");
  if (file == nullptr && home == nullptr) return "";
  std::ifstream in(file != nullptr ? std::string(file) : str(home, "/", name), std::ios::binary);
  std::string text(kMostBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

using Words = std::vector<std::string>;

// Calls `look` with the words of each line.
template <typename Look>
void for_each_line(std::string_view text, const Look& look) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    Words words;
    for (std::string word; in >> word;) words.push_back(word);
    look(words);
  }
}

std::optional<EditMode> of_editrc(std::string_view text) {
  std::optional<EditMode> mode;
  for_each_line(text, [&mode](Words words) {
    if (words.empty()) return;
    const std::size_t colon = words[0].find(':');
    if (colon != std::string::npos) {
      if (words[0].substr(0, colon) != "xlstm") return;
      words[0].erase(0, colon + 1);
      if (words[0].empty()) words.erase(words.begin());
    }
    if (words == Words{"bind", "-v"}) mode = EditMode::kVi;
    if (words == Words{"bind", "-e"}) mode = EditMode::kEmacs;
  });
  return mode;
}

std::optional<EditMode> of_inputrc(std::string_view text) {
  std::optional<EditMode> mode;
  for_each_line(text, [&mode](const Words& words) {
    if (words == Words{"set", "editing-mode", "vi"}) mode = EditMode::kVi;
    if (words == Words{"set", "editing-mode", "emacs"}) mode = EditMode::kEmacs;
  });
  return mode;
}

}  // namespace

EditMode edit_mode_of(std::string_view editrc, std::string_view inputrc) {
  const auto mode = of_editrc(editrc);
  return mode ? *mode : of_inputrc(inputrc).value_or(EditMode::kEmacs);
}

EditMode edit_mode() {
  return edit_mode_of(read_settings("EDITRC", ".editrc"), read_settings("INPUTRC", ".inputrc"));
}

}  // namespace xlstm::apps
