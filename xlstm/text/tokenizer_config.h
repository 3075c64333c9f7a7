// What a tokenizer_config.json says about special tokens.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "xlstm/text/component.h"

namespace xlstm::text {

struct SpecialIds {
  std::optional<TokenId> bos, eos, pad;
  std::optional<bool> add_bos, add_eos;  // on top of the post-processor
};

using IdOf = std::function<std::optional<TokenId>(std::string_view token)>;

// `config_json` may be empty. A token that the file names (as a string or as an object with
// "content") counts if the vocabulary has it; one that it does not mention is looked for by
// well-known names (<|endoftext|>, <s>, </s>, ...). Throws Error(kFormat).
SpecialIds read_special_ids(std::string_view config_json, std::string_view where,
                            const IdOf& id_of);

}  // namespace xlstm::text
