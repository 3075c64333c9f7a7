#include "xlstm/hub/content_hash.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace xlstm {
namespace {

std::string digits(HashKind kind, std::string_view text, std::uint64_t size) {
  ContentHash hash(kind, size);
  hash.add(std::as_bytes(std::span(text.data(), text.size())));
  return hash.digits();
}

// FIPS 180-4's example, and the empty text.
TEST(ContentHash, Sha256) {
  EXPECT_EQ(digits(HashKind::kSha256, "abc", 0),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digits(HashKind::kSha256, "", 0),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// As `git hash-object` prints them.
TEST(ContentHash, GitBlob) {
  EXPECT_EQ(digits(HashKind::kGitBlob, "", 0), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_EQ(digits(HashKind::kGitBlob, "hello\n", 6), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_NE(digits(HashKind::kGitBlob, "hello\n", 7), "ce013625030ba8dba906f756967f9e9ca394464a");
}

TEST(ContentHash, OfAFileIsThatOfItsBytes) {
  const TemporaryFolder folder;
  const std::string text(3'000'001, 'x');
  const auto file = folder.file("a", text);
  ContentHash hash(HashKind::kSha256, 0);
  std::uint64_t told = 0;
  add_file(hash, file, text.size(), [&](std::uint64_t bytes) { told += bytes; });
  EXPECT_EQ(told, text.size());
  EXPECT_EQ(hash.digits(), digits(HashKind::kSha256, text, 0));
}

TEST(ContentHash, KindIsToldByLength) {
  EXPECT_EQ(hash_kind(std::string(64, 'a'), "x"), HashKind::kSha256);
  EXPECT_EQ(hash_kind(std::string(40, '0'), "x"), HashKind::kGitBlob);
  for (const std::string& bad : {std::string(), std::string(40, 'A'), std::string(39, 'a'),
                                 std::string("../../x"), std::string(64, 'g')}) {
    expect_error(ErrorKind::kNetwork, {"[where]", "ETag"}, [&] { hash_kind(bad, "where"); });
  }
}

}  // namespace
}  // namespace xlstm
