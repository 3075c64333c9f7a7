// YAML as settings are written in it.
#include "xlstm/base/yaml.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

Json yaml(std::string_view text) {
  return parse_yaml(text, "c.yaml");
}

void expect_refused(std::string_view text, const std::vector<std::string>& pieces) {
  expect_error(ErrorKind::kFormat, pieces, [&] { yaml(text); });
}

TEST(Yaml, ScalarsOfTheCoreSchema) {
  for (const auto& [text, json] : {std::pair{"1e-5", "1e-5"},
                                   {"1.", "1.0"},
                                   {".5", "0.5"},
                                   {"-0.5E+2", "-50.0"},
                                   {"+7", "7"},
                                   {"-7", "-7"},
                                   {"0x1F", "31"},
                                   {"0o17", "15"},
                                   {"010", "10"},
                                   {"18446744073709551615", "18446744073709551615"},
                                   {"null", "null"},
                                   {"~", "null"},
                                   {"", "null"},
                                   {"true", "true"},
                                   {"False", "false"},
                                   {"'true'", "\"true\""},
                                   {"\"1\"", "\"1\""},
                                   {"yes", "\"yes\""},
                                   {"1e", "\"1e\""},
                                   {"-", "[null]"},
                                   {"1_000", "\"1_000\""},
                                   {"0x", "\"0x\""},
                                   {"0x-1", "\"0x-1\""},
                                   {".", "\".\""},
                                   {"1.5.2", "\"1.5.2\""},
                                   {"!!str 1", "\"1\""},
                                   {"!!float 1", "1"}}) {
    EXPECT_EQ(yaml(text), Json::parse(json)) << text;
  }
}

TEST(Yaml, AConfigAsPackagesWriteIt) {
  EXPECT_EQ(yaml(R"(# of a run
embedding_dim: 512
mlstm_block:
  mlstm: {num_heads: 4, conv1d_kernel_size: 4, dropout: 0.}
slstm_at: [1, 3]
quantiles:
- 0.1
- 0.9
norm_eps: 1e-06
weight_mode: single
context: null
text: >-
  two
  lines
)"),
            Json::parse(R"({"embedding_dim": 512,
              "mlstm_block": {"mlstm": {"num_heads": 4, "conv1d_kernel_size": 4, "dropout": 0.0}},
              "slstm_at": [1, 3], "quantiles": [0.1, 0.9], "norm_eps": 1e-6,
              "weight_mode": "single", "context": null, "text": "two lines"})"));
  EXPECT_EQ(yaml("a: &x {b: 1}\nc: *x\nd: [*x, *x]"),
            Json::parse(R"({"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}, {"b": 1}]})"));
}

TEST(Yaml, WhatIsRefused) {
  expect_refused("a: 1\na: 2", {"c.yaml, line 2", "each key once", "\"a\""});
  expect_refused("a: .inf", {"line 1", "JSON can hold"});
  expect_refused("a: 1e999", {"JSON can hold"});
  expect_refused("a: !!python/object/apply:os.system ['true']",
                 {"nothing is constructed", "python/object/apply:os.system"});
  expect_refused("a: !!python/tuple [1]", {"python/tuple"});
  expect_refused("a: !mine 1", {"the tag \"!mine\""});
  expect_refused("? [1]\n: 2", {"a key that is a scalar"});
  expect_refused("~: 2", {"a key", "none"});
  expect_refused("a: &x 1\n*x : 2", {"a key that is a scalar", "an alias"});
  expect_refused("a: &x {b: 1}\nc:\n  <<: *x", {"line 3", "merges others"});
  expect_refused("a: &x [*x]", {"an alias of a value that is complete"});
  expect_refused("a: *x", {"malformed YAML at line 1"});
  expect_refused("a: [1", {"malformed YAML"});
  expect_refused("a: 1\n---\nb: 2", {"one YAML document"});
  expect_refused("a: \xC3\x28", {"UTF-8"});
  // The library takes the text for UTF-16 or the like, and makes other bytes of it.
  expect_refused(std::string_view("A( 8|\x03!\0NUL", 11), {"UTF-8"});
  expect_refused(std::string(1'000'001, ' '), {"1000000 bytes"});
  expect_refused(std::string(70, '[') + std::string(70, ']'), {"at most 64 deep"});
}

// Nine lines that would be a thousand million values.
TEST(Yaml, AliasesCountAsOftenAsTheyAreUsed) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int level = 1; level < 9; ++level) {
    bomb += str("a", level, ": &a", level, " [");
    for (int i = 0; i < 10; ++i) bomb += str(i == 0 ? "*a" : ",*a", level - 1);
    bomb += "]\n";
  }
  expect_refused(bomb, {"at most 100000 values", "aliases"});
}

TEST(Yaml, EveryByteCutOrChanged) {
  const std::string whole = "a: &x {b: [1, 'c'], d: 1e-5}\n? e\n: *x\nf: |\n  text\n";
  const auto try_to_read = [](const std::string& text) {
    try {
      yaml(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat);
    }
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    try_to_read(whole.substr(0, at));
    for (int value = 0; value < 256; ++value) {
      std::string text = whole;
      text[at] = static_cast<char>(value);
      try_to_read(text);
    }
  }
}

}  // namespace
}  // namespace xlstm
