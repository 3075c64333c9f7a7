// One line of JSON at a time: strings to token ids and back.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/text/tokenizer.h"

namespace xlstm::apps {

// "standard input, line 3"
std::string line_name(std::size_t number);

// The text of a JSON string. Throws Error(kFormat) naming the line.
std::string string_of_json(std::string_view line, std::size_t number);

// The ids of a JSON array of whole numbers, each from 0 to `max_id`. Throws Error(kFormat).
std::vector<TokenId> ids_of_json(std::string_view line, std::size_t number, TokenId max_id);

// "[1,2,3]" and "\"text\"", without line end.
std::string json_of_ids(const std::vector<TokenId>& ids);
std::string json_of_string(const std::string& text);

}  // namespace xlstm::apps
