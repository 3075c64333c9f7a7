// The files of tests/data/text: see make_cases.py.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "xlstm/text/tokenizer.h"

namespace xlstm {

struct TextCase {
  std::optional<std::string> text;  // nullopt: only decoding is tested
  std::vector<TokenId> ids;
  std::optional<std::vector<TokenId>> with_special, ordinary;
  std::optional<std::string> decoded, decoded_all;  // nullopt in long cases
};

struct TextVariant {
  std::string name;
  std::string tokenizer_json;
  std::vector<TextCase> cases;
  std::string config_json, special_tokens_map_json;
  std::optional<TokenId> bos, eos, pad;  // as transformers says, where it has one
};

std::vector<TextVariant> read_case_file(const std::string& name);

// Whole tokenizers, by the file of cases that holds them.
Tokenizer tokenizer_of(const std::string& name);

}  // namespace xlstm
