// Against what the `tokenizers` package computed: see make_cases.py.
#include <gtest/gtest.h>

#include "tests/text/case_file.h"
#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {
namespace {

class Reference : public testing::TestWithParam<const char*> {};

// All that a stream of ids shows; each part has to be whole characters.
std::string streamed(const Tokenizer& tokenizer, const std::vector<TokenId>& ids, bool skip) {
  Detokenizer detokenizer(tokenizer, skip);
  std::string text;
  for (const TokenId id : ids) {
    const std::string part = detokenizer.push(id);
    EXPECT_EQ(utf8_first_error(part), std::string::npos) << quoted(part);
    text += part;
  }
  return text + detokenizer.finish();
}

void check(const Tokenizer& tokenizer, const TextCase& one) {
  if (one.text) {
    EXPECT_EQ(tokenizer.encode(*one.text), one.ids);
    if (one.with_special) {
      EXPECT_EQ(tokenizer.encode(*one.text, {.add_special_tokens = true}), *one.with_special);
    }
    if (one.ordinary) {
      EXPECT_EQ(tokenizer.encode(*one.text, {.parse_special_tokens = false}), *one.ordinary);
    }
  }
  if (!one.decoded) return;
  EXPECT_EQ(tokenizer.decode(one.ids), *one.decoded);
  EXPECT_EQ(tokenizer.decode(one.ids, false), *one.decoded_all);
  EXPECT_EQ(streamed(tokenizer, one.ids, true), *one.decoded);
  EXPECT_EQ(streamed(tokenizer, one.ids, false), *one.decoded_all);
}

TEST_P(Reference, EncodesAndDecodesAlike) {
  const bool has_decoder = std::string(GetParam()) != "pre_tokenizers";
  std::size_t checked = 0;
  for (const TextVariant& variant : read_case_file(GetParam())) {
    SCOPED_TRACE(variant.name);
    const Tokenizer tokenizer = Tokenizer::parse(variant.tokenizer_json, variant.config_json,
                                                 variant.name, variant.special_tokens_map_json);
    EXPECT_EQ(variant.bos ? tokenizer.bos_id() : std::nullopt, variant.bos);
    EXPECT_EQ(variant.eos ? tokenizer.eos_id() : std::nullopt, variant.eos);
    EXPECT_EQ(variant.pad ? tokenizer.pad_id() : std::nullopt, variant.pad);
    for (TextCase one : variant.cases) {
      SCOPED_TRACE(one.text ? quoted(*one.text) : "decoding");
      if (!has_decoder) one.decoded.reset();
      check(tokenizer, one);
      ++checked;
      if (testing::Test::HasFailure()) return;  // one is enough to look at
    }
  }
  EXPECT_GT(checked, 20U);
}

INSTANTIATE_TEST_SUITE_P(Cases, Reference,
                         testing::Values("classics", "neox", "gpt2", "llama3", "llama2",
                                         "normalizers", "pre_tokenizers", "added_tokens", "models",
                                         "decoders", "post_processors", "special_tokens"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace xlstm
