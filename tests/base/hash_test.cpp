#include "xlstm/base/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace xlstm {
namespace {

std::uint64_t hash_of(std::string_view text) {
  Hash hash;
  hash.add(text);
  return hash.value();
}

TEST(Hash, IsTheSameForTheSame) {
  EXPECT_EQ(hash_of("a text"), hash_of("a text"));
  EXPECT_EQ(Hash().value(), Hash().value());
}

TEST(Hash, TellsLengthsOfEqualBytesApart) {
  std::set<std::uint64_t> seen;
  for (std::size_t length = 0; length < 200; ++length) {
    seen.insert(hash_of(std::string(length, '\0')));
  }
  EXPECT_EQ(seen.size(), 200U);
}

TEST(Hash, EveryBitOfEveryByteCounts) {
  for (const std::size_t length : {1, 7, 8, 31, 32, 33, 100}) {
    std::string text(length, 'x');
    std::set<std::uint64_t> seen = {hash_of(text)};
    for (std::size_t at = 0; at < length; ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        text[at] = static_cast<char>(text[at] ^ (1 << bit));
        seen.insert(hash_of(text));
        text[at] = static_cast<char>(text[at] ^ (1 << bit));
      }
    }
    EXPECT_EQ(seen.size(), 1 + 8 * length);
  }
}

TEST(Hash, ARunInPiecesIsTheWhole) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i * 7);
  for (const std::size_t piece : {32U, 96U, 512U, 2048U}) {
    Hash hash;
    Hash::Run run(hash);
    for (std::size_t at = 0; at < text.size(); at += piece) {
      run.add(std::as_bytes(std::span(text).subspan(at, std::min(piece, text.size() - at))));
    }
    run.end();
    EXPECT_EQ(hash.value(), hash_of(text)) << piece;
  }
}

TEST(Hash, OrderAndCutsCount) {
  Hash a, b, c;
  a.add("ab");
  a.add("c");
  b.add("c");
  b.add("ab");
  c.add("a");
  c.add("bc");
  EXPECT_EQ((std::set{a.value(), b.value(), c.value(), hash_of("abc")}.size()), 4U);
}

}  // namespace
}  // namespace xlstm
