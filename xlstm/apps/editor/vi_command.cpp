#include "xlstm/apps/editor/vi_command.h"

#include <algorithm>

namespace xlstm::apps {
namespace {

constexpr std::string_view kOperators = "dcy";
constexpr std::size_t kMostCount = 100'000;

// A typed count, taken from the front of `keys`; 1 without one.
std::size_t take_count(std::string_view& keys) {
  std::size_t count = 0;
  while (!keys.empty() && keys[0] >= '0' && keys[0] <= '9' && (count > 0 || keys[0] != '0')) {
    count = std::min(count * 10 + static_cast<std::size_t>(keys[0] - '0'), kMostCount);
    keys.remove_prefix(1);
  }
  return std::max<std::size_t>(count, 1);
}

}  // namespace

bool is_vi_find(char key) {
  return std::string_view("fFtT").find(key) != std::string_view::npos;
}

std::optional<ViCommand> parse_vi_command(std::string_view keys) {
  ViCommand command{.count = take_count(keys)};
  if (!keys.empty() && kOperators.find(keys[0]) != std::string_view::npos) {
    command.action = keys[0];
    keys.remove_prefix(1);
    command.count *= take_count(keys);
  }
  if (keys.empty()) return std::nullopt;
  command.key = keys[0];
  command.glyph = keys.substr(1);
  const bool wants_glyph = is_vi_find(command.key) || command.key == 'r';
  if (wants_glyph && command.glyph.empty()) return std::nullopt;
  return command;
}

}  // namespace xlstm::apps
