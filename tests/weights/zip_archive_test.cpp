// ZIP archives: what is read, and every lie of a directory.
#include "xlstm/weights/zip_archive.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/zip_bytes.h"

namespace xlstm {
namespace {

std::string numbers(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += static_cast<char>(i * 7 % 251);
  return out;
}

std::string read(const ZipArchive& archive, std::size_t member, std::uint64_t offset,
                 std::size_t bytes) {
  std::string out(bytes, '\0');
  archive.read(member, offset, std::as_writable_bytes(std::span(out)));
  return out;
}

class Zip : public ::testing::Test {
 protected:
  std::filesystem::path write(const std::vector<RawMember>& members) const {
    return folder_.file("a.zip", raw_zip(members));
  }
  void expect_refused(const std::vector<RawMember>& members,
                      const std::vector<std::string>& pieces) const {
    const auto file = write(members);
    expect_error(ErrorKind::kFormat, pieces, [&] { ZipArchive archive(file); });
  }

  TemporaryFolder folder_;
};

TEST_F(Zip, StoredAndDeflatedMembersInPieces) {
  const std::string content = numbers(300'000);
  RawMember wide = RawMember::stored("wide", content);
  wide.zip64 = true;
  RawMember wide_deflated = RawMember::deflate("wide-deflated", content);
  wide_deflated.zip64 = true;
  const ZipArchive archive(
      write({RawMember::deflate("b/deflated", content), RawMember::stored("a", content), wide,
             wide_deflated, RawMember::stored("empty", "")}));
  ASSERT_EQ(archive.members().size(), 5u);
  EXPECT_EQ(archive.members()[0].name, "a");
  EXPECT_EQ(archive.find("nothing"), ZipArchive::npos);
  EXPECT_EQ(archive.text(archive.find("empty"), 0), "");
  for (const char* name : {"a", "b/deflated", "wide", "wide-deflated"}) {
    const std::size_t member = archive.find(name);
    ASSERT_NE(member, ZipArchive::npos) << name;
    EXPECT_EQ(archive.members()[member].bytes, content.size());
    EXPECT_EQ(archive.text(member, content.size()), content);
    for (const std::size_t at : {200'000u, 0u, 10u, 250'000u, 299'999u}) {  // also backwards
      EXPECT_EQ(read(archive, member, at, 1), content.substr(at, 1)) << name << at;
    }
    expect_error(ErrorKind::kFormat, {"a.zip", name, "at most 10 bytes", "300000"},
                 [&] { archive.text(member, 10); });
  }
}

TEST_F(Zip, ThreadsShareIt) {
  const std::string content = numbers(100'000);
  const ZipArchive archive(
      write({RawMember::deflate("a", content), RawMember::stored("b", content)}));
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t at = t; at < content.size(); at += 9973) {
        EXPECT_EQ(read(archive, t % 2, at, 1), content.substr(at, 1));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Zip, NamesThatLeaveTheFolder) {
  for (const char* name : {"/etc/passwd", "../up", "a/../../b", "a/..", "..", "C:\\x"}) {
    expect_refused({RawMember::stored(name, "x")}, {"a.zip", "stays in the folder"});
  }
  expect_refused({RawMember::stored(std::string("a\0b", 3), "x")}, {"stays in the folder"});
  expect_refused({RawMember::stored("", "x")}, {"a name of 1 to", "entry 0"});
  EXPECT_NO_THROW(ZipArchive{write({RawMember::stored("a..b/..c/d..", "x")})});
}

TEST_F(Zip, NamesGivenTwice) {
  expect_refused(
      {RawMember::stored("a", "1"), RawMember::stored("b", "2"), RawMember::deflate("a", "3")},
      {"a.zip, member \"a\"", "each name once"});
}

TEST_F(Zip, MembersOnEachOther) {
  // Two entries of one header need one name, which is another error: so a header inside the data.
  const std::string inner = raw_zip({RawMember::stored("b", "22")}).substr(0, 30 + 1 + 2);
  const RawMember first = RawMember::stored("a", inner);
  RawMember overlapping = RawMember::stored("b", "22");
  overlapping.moved = -static_cast<std::int64_t>(inner.size());
  expect_refused({first, overlapping}, {"a.zip, member \"b\"", "an overlap"});
}

TEST_F(Zip, SizesThatLie) {
  RawMember beyond = RawMember::stored("a", "12345");
  beyond.said_packed = beyond.bytes = 5000;
  expect_refused({beyond}, {"a.zip, member \"a\"", "5000 bytes", "cut off"});
  RawMember unequal = RawMember::stored("a", "12345");
  unequal.bytes = 6;
  expect_refused({unequal}, {"as many as are stored", "got 6"});
  RawMember bomb = RawMember::deflate("a", "12345");
  bomb.bytes = 1'000'000'000;
  expect_refused({bomb}, {"packed bytes for 1000000000", "a zip bomb?"});
}

TEST_F(Zip, MethodsAndEncryption) {
  RawMember bzip2 = RawMember::stored("a", "12345");
  bzip2.method = 12;
  expect_refused({bzip2}, {"stored or deflated", "method 12"});
  RawMember secret = RawMember::stored("a", "12345");
  secret.flags = 1;
  expect_refused({secret}, {"not encrypted"});
}

TEST_F(Zip, PackedBytesThatDoNotFit) {
  const std::string content = numbers(1000);
  RawMember longer = RawMember::deflate("a", content);
  longer.bytes = 1001;
  {
    const ZipArchive archive(write({longer}));
    EXPECT_EQ(read(archive, 0, 0, 1000), content);
    expect_error(ErrorKind::kFormat,
                 {"a.zip, member \"a\"", "1001 bytes", "1000 and then their end"},
                 [&] { archive.text(0, 2000); });
  }
  RawMember shorter = RawMember::deflate("a", content);
  shorter.bytes = 999;
  const ZipArchive cut(write({shorter}));
  expect_error(ErrorKind::kFormat, {"999 bytes", "got more"}, [&] { cut.text(0, 2000); });
  RawMember changed = RawMember::deflate("a", content);
  changed.crc ^= 1;
  const ZipArchive other(write({changed}));
  EXPECT_EQ(read(other, 0, 0, 10), content.substr(0, 10));
  expect_error(ErrorKind::kFormat, {"checksum"}, [&] { other.text(0, 2000); });
  EXPECT_EQ(read(other, 0, 990, 9), content.substr(990, 9)) << "after an error it goes on";
}

// The end stands behind the last byte, also where that is the first, or in a piece of its own.
TEST_F(Zip, EndsThatAreReadAlone) {
  const ZipArchive empty(write({RawMember::deflate("a", "")}));
  EXPECT_EQ(empty.text(0, 10), "");
  constexpr std::size_t kPiece = 65536;  // of what is read of a file at once
  std::mt19937 random(1);
  std::string noise(kPiece, '\0');
  for (char& each : noise) each = static_cast<char>(random());
  // Stored blocks of five bytes more than they hold, and a last one that holds nothing.
  const std::string whole = noise.substr(0, kPiece - 5);
  RawMember apart = RawMember::stored("a", whole);
  apart.method = 8;
  apart.packed = std::string(1, '\0') + little_endian(whole.size(), 2) +
                 little_endian(~whole.size() & 0xFFFF, 2) + whole + '\1' +
                 little_endian(0xFFFF0000, 4);
  apart.said_packed = apart.packed.size();
  const ZipArchive archive(write({apart}));
  EXPECT_EQ(archive.text(0, kPiece), whole);
  EXPECT_EQ(read(archive, 0, 1, 1), whole.substr(1, 1));
  EXPECT_EQ(read(archive, 0, 2, whole.size() - 2), whole.substr(2));
  apart.packed.back() = '\0';  // not what the length says: no end
  const ZipArchive broken(write({apart}));
  expect_error(ErrorKind::kFormat, {"65531 and then"}, [&] { broken.text(0, kPiece); });
}

TEST_F(Zip, EveryByteCutOrChanged) {
  const std::string whole = raw_zip({RawMember::stored("data/0", "0123456789"),
                                     RawMember::deflate("data/1", std::string(100, 'x'))});
  std::size_t refused = 0;
  const auto try_to_read = [&](const std::string& bytes) {
    try {
      const ZipArchive archive(folder_.file("b.zip", bytes));
      for (std::size_t i = 0; i < archive.members().size(); ++i) archive.text(i, 1'000'000);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kFormat) << error.what();
      ++refused;
    }
  };
  for (std::size_t at = 0; at < whole.size(); ++at) try_to_read(whole.substr(0, at));
  EXPECT_EQ(refused, whole.size()) << "no part of an archive is one";
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int bits : {0x01, 0x80, 0xFF}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ bits);
      try_to_read(bytes);
    }
  }
  EXPECT_GT(refused, 2 * whole.size());
}

}  // namespace
}  // namespace xlstm
