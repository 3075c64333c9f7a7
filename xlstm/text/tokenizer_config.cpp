#include "xlstm/text/tokenizer_config.h"

#include <initializer_list>

#include "xlstm/base/error.h"

namespace xlstm::text {
namespace {

std::optional<TokenId> first_known(const IdOf& id_of,
                                   std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const std::optional<TokenId> id = id_of(name)) return id;
  }
  return std::nullopt;
}

std::optional<TokenId> id_from(const Json& config, std::string_view key, std::string_view where,
                               const IdOf& id_of, std::initializer_list<std::string_view> names) {
  const auto found = config.find(std::string(key));
  if (found == config.end()) return first_known(id_of, names);
  if (found->is_null()) return std::nullopt;
  if (found->is_object()) return id_of(required_string(*found, "content", inside(where, key)));
  return id_of(required_string(config, key, where));
}

}  // namespace

SpecialIds read_special_ids(std::string_view config_json, std::string_view where,
                            const IdOf& id_of) {
  const Json config = config_json.empty() ? Json::object() : parse_json(config_json, where);
  if (!config.is_object()) fail_wanted(ErrorKind::kFormat, where, "an object", kind_of(config));
  SpecialIds ids;
  ids.bos = id_from(config, "bos_token", where, id_of,
                    {"<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "<|endoftext|>"});
  ids.eos = id_from(config, "eos_token", where, id_of,
                    {"</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>"});
  ids.pad =
      id_from(config, "pad_token", where, id_of, {"<pad>", "<|padding|>", "<|pad|>", "[PAD]"});
  ids.add_bos = get_bool(config, "add_bos_token", where);
  ids.add_eos = get_bool(config, "add_eos_token", where);
  return ids;
}

}  // namespace xlstm::text
