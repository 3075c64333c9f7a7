#include "xlstm/engine/chat_template.h"

#include "xlstm/base/error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/json.h"

namespace xlstm {
namespace {

std::string template_of(const Json& value, const std::string& where) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) {
    fail_wanted(ErrorKind::kFormat, where, "chat_template as a text or a list", kind_of(value));
  }
  for (const Json& each : value) {
    const bool is_named = each.is_object() && each.contains("name") && each.contains("template");
    if (is_named && each["name"] == "default" && each["template"].is_string()) {
      return each["template"].get<std::string>();
    }
  }
  return "";
}

}  // namespace

std::string read_chat_template(const std::filesystem::path& folder) {
  const std::filesystem::path text = folder / "chat_template.jinja";
  if (std::filesystem::exists(text)) return whole_file(text);
  const std::filesystem::path config = folder / "tokenizer_config.json";
  if (!std::filesystem::exists(config)) return "";
  const Json json = parse_json(whole_file(config), config.string());
  if (!json.is_object() || !json.contains("chat_template")) return "";
  return template_of(json["chat_template"], config.string());
}

}  // namespace xlstm
