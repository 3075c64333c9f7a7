// What a tokenizer_config.json and a special_tokens_map.json say about tokens, read as transformers
// reads them for its fast tokenizers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/text/added_tokens.h"
#include "xlstm/text/component.h"

namespace xlstm::text {

// A member such as "eos_token".
struct TokenName {
  bool is_declared = false;          // also where it is null: then there is none
  std::optional<std::string> token;  // its text
};

struct DeclaredToken {
  AddedToken token;
  bool has_normalized = true;  // else it is normalised if it is not special
};

struct TokenizerConfig {
  bool has_declared = false;
  std::vector<DeclaredToken> declared;  // "added_tokens_decoder", by rising id
  std::vector<DeclaredToken> named;     // "bos_token", ..., "extra_special_tokens" that have names
  std::vector<DeclaredToken> extra;     // those without: "extra_special_tokens", a list
  TokenName bos, eos, pad;
  std::vector<std::string> ends;         // all that either file names as "eos_token"
  std::optional<bool> add_bos, add_eos;  // on top of the post-processor
};

// Either text may be empty. As transformers does it, special_tokens_map.json overrides a
// tokenizer_config.json that has no "added_tokens_decoder"; beside one that has it, it only names
// tokens that the other file does not. `where` names the folder or tokenizer.json. Throws
// Error(kFormat).
TokenizerConfig read_tokenizer_config(std::string_view config_json, std::string_view map_json,
                                      std::string_view where);

}  // namespace xlstm::text
