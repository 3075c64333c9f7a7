// The trie against the texts that it was made of; what tokens of real tokenizers add.
#include "xlstm/grammar/token_trie.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/grammar/vocabularies.h"
#include "tests/support/expect_error.h"
#include "xlstm/grammar/token_mask.h"

namespace xlstm {
namespace {

// The text of each node's path, and the tokens there, by a walk from node to node.
std::map<std::string, std::set<TokenId>> paths_of(const TokenTrie& trie) {
  std::map<std::string, std::set<TokenId>> paths;
  std::string path;
  for (std::size_t at = 0; at < trie.size(); ++at) {
    const TokenTrie::Node& node = trie.nodes()[at];
    path.resize(node.depth - 1U);
    path += static_cast<char>(node.byte);
    EXPECT_FALSE(paths.contains(path)) << "two nodes of one path";
    const auto tokens = trie.tokens_at(at);
    paths[path] = {tokens.begin(), tokens.end()};
  }
  return paths;
}

std::map<std::string, std::set<TokenId>> prefixes_of(const std::vector<std::string>& texts) {
  std::map<std::string, std::set<TokenId>> paths;
  for (std::size_t id = 0; id < texts.size(); ++id) {
    for (std::size_t size = 1; size <= texts[id].size(); ++size) paths[texts[id].substr(0, size)];
    if (!texts[id].empty()) paths[texts[id]].insert(static_cast<TokenId>(id));
  }
  return paths;
}

void expect_tree_of(const std::vector<std::string>& texts) {
  const TokenTrie trie(texts);
  EXPECT_EQ(paths_of(trie), prefixes_of(texts));
  for (std::size_t at = 0; at < trie.size(); ++at) {  // `behind` is where the depth falls back
    std::size_t end = at + 1;
    while (end < trie.size() && trie.nodes()[end].depth > trie.nodes()[at].depth) ++end;
    EXPECT_EQ(trie.nodes()[at].behind, end);
  }
  for (std::size_t id = 0; id < texts.size(); ++id) {
    EXPECT_EQ(trie.text(static_cast<TokenId>(id)), texts[id]);
  }
  EXPECT_EQ(trie.text(-1), "");
  EXPECT_EQ(trie.text(static_cast<TokenId>(texts.size())), "");
}

TEST(TokenTrie, HasEachPrefixOnce) {
  expect_tree_of({});
  expect_tree_of({""});
  expect_tree_of({"a"});
  expect_tree_of({"ab", "a", "", "abc", "b", "ab", std::string("\0\xFF", 2), "\xC3"});
  std::mt19937 random(1);
  for (const int count : {1, 63, 64, 65, 500}) {
    std::vector<std::string> texts;
    for (int i = 0; i < count; ++i) {
      std::string text(random() % 6, 'a');
      for (char& c : text) c = static_cast<char>("ab\xFF"[random() % 3]);
      texts.push_back(text);
    }
    expect_tree_of(texts);
  }
}

TEST(TokenTrie, RefusesTokensThatAreTooLong) {
  expect_error(ErrorKind::kModel, {"constraint", "65535", "token 1 with 65536"}, [] {
    TokenTrie({"a", std::string(65'536, 'a')});
  });
  EXPECT_EQ(TokenTrie({std::string(65'535, 'a')}).max_depth(), 65'535U);
}

TEST(TokenMask, CountsAndBounds) {
  for (const std::int64_t V : {0, 1, 63, 64, 65, 130}) {
    TokenMask mask(V);
    EXPECT_TRUE(mask.none());
    EXPECT_EQ(static_cast<std::int64_t>(mask.words().size()), (V + 63) / 64);
    for (TokenId id = 0; id < V; ++id) mask.set(id);
    EXPECT_EQ(mask.count(), V);
    EXPECT_FALSE(mask.allows(-1));
    EXPECT_FALSE(mask.allows(static_cast<TokenId>(V)));
    if (V == 0) continue;
    mask.reset(static_cast<TokenId>(V - 1));
    EXPECT_EQ(mask.count(), V - 1);
    EXPECT_FALSE(mask.allows(static_cast<TokenId>(V - 1)));
    mask.clear();
    EXPECT_TRUE(mask.none());
  }
}

// Byte-level tokens, and what never comes.
TEST(TokenTries, ClassicsHasBytesAndNoSpecialTokens) {
  const Tokenizer tokenizer = Tokenizer::open(test::classics_folder());
  const auto tries = TokenTries::of(tokenizer, 4100);  // with rows that have no token
  EXPECT_FALSE(tries->first.has_value());
  EXPECT_EQ(tries->V, 4100);
  std::set<std::string> single;
  for (TokenId id = 0; id < 4100; ++id) {
    const bool never = !tokenizer.has_token(id) || tokenizer.is_special(id);
    EXPECT_EQ(tries->later.text(id), never ? "" : tokenizer.token_bytes(id)) << id;
    if (tries->later.text(id).size() == 1) single.emplace(tries->later.text(id));
  }
  EXPECT_EQ(tries->later.text(*tokenizer.eos_id()), "");
  EXPECT_EQ(single.size(), 256U) << "a byte-level vocabulary can write all bytes";
}

std::string tokenizer_with(const std::string& decoder) {
  return R"({"version": "1.0", "added_tokens": [{"id": 6, "content": "<s>", "single_word": false,
    "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
    "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": )" +
         decoder + R"(, "model": {"type": "BPE", "unk_token": null, "merges": [],
    "vocab": {"a": 0, "▁": 1, "▁a": 2, "b": 3, "<0x41>": 4, "<0xC3>": 5}, "byte_fallback": true}})";
}

// SentencePiece's decoder takes a space off the front of an answer.
TEST(TokenTries, SentencePieceAddsLessAtTheStart) {
  const std::string decoder = R"({"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
    {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})";
  const Tokenizer tokenizer = Tokenizer::parse(tokenizer_with(decoder), "", "test");
  const auto tries = TokenTries::of(tokenizer, 7);
  ASSERT_TRUE(tries->first.has_value());
  const std::vector<std::string> later = {"a", " ", " a", "b", "A", "\xC3", ""};
  const std::vector<std::string> first = {"a", "", "a", "b", "A", "\xC3", ""};
  for (TokenId id = 0; id < 7; ++id) {
    EXPECT_EQ(tries->at(false).text(id), later[static_cast<std::size_t>(id)]) << id;
    EXPECT_EQ(tries->at(true).text(id), first[static_cast<std::size_t>(id)]) << id;
  }
}

TEST(TokenTries, RefusesTokensThatDependOnNeighbours) {
  for (const char* decoder : {"null", R"({"type": "BPEDecoder", "suffix": "b"})"}) {
    const Tokenizer tokenizer = Tokenizer::parse(tokenizer_with(decoder), "", "test");
    expect_error(ErrorKind::kModel, {"constraint", "wanted a tokenizer whose tokens", "token "},
                 [&] { TokenTries::of(tokenizer, 7); });
  }
}

}  // namespace
}  // namespace xlstm
