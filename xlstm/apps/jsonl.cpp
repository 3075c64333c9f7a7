#include "xlstm/apps/jsonl.h"

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm::apps {

std::string line_name(std::size_t number) {
  return str("standard input, line ", number);
}

std::string string_of_json(std::string_view line, std::size_t number) {
  const Json json = parse_json(line, line_name(number));
  if (!json.is_string()) {
    fail_wanted(ErrorKind::kFormat, line_name(number), "a JSON string", kind_of(json));
  }
  return json.get<std::string>();
}

std::vector<TokenId> ids_of_json(std::string_view line, std::size_t number, TokenId max_id) {
  const Json json = parse_json(line, line_name(number));
  if (!json.is_array()) {
    fail_wanted(ErrorKind::kFormat, line_name(number), "a JSON array of ids", kind_of(json));
  }
  std::vector<TokenId> ids;
  ids.reserve(json.size());
  for (const Json& id : json) {
    // Numbers above 2^63 are unsigned in this library: compare as what they are.
    const bool good =
        id.is_number_unsigned() && id.get<std::uint64_t>() <= static_cast<std::uint64_t>(max_id);
    if (!good) {
      fail_wanted(ErrorKind::kFormat, line_name(number), str("ids from 0 to ", max_id),
                  quoted(id.dump(-1, ' ', true, Json::error_handler_t::replace)));
    }
    ids.push_back(id.get<TokenId>());
  }
  return ids;
}

std::string json_of_ids(const std::vector<TokenId>& ids) {
  return Json(ids).dump();
}

std::string json_of_string(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace xlstm::apps
