// What Tab completes in a chat.
#pragma once

#include <optional>
#include <string_view>

#include "xlstm/apps/editor/editor.h"

namespace xlstm::apps {

// Commands at the start of a turn, files after those that take one. nullopt: a tab is text here.
std::optional<Choices> complete_chat(std::string_view before_cursor);

}  // namespace xlstm::apps
