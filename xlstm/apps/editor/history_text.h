// Lines of the history file: any text in one line of plain characters, as BSD's strvis() writes and
// strunvis() reads it, so that files of earlier versions, and of libedit, are read on.
#pragma once

#include <string>
#include <string_view>

namespace xlstm::apps {

inline constexpr std::string_view kHistoryHeader = "_HiStOrY_V2_";

std::string encode_history_line(std::string_view text);
// Bytes that are not UTF-8 become U+FFFD.
std::string decode_history_line(std::string_view line);

}  // namespace xlstm::apps
