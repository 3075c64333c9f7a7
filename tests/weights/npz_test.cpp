// NPZ archives.
#include "xlstm/weights/npz.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/zip_bytes.h"
#include "tests/weights/damaged_file.h"

namespace xlstm {
namespace {

// An array's file: version, the header's text as it is, data.
std::string npy(std::string_view header, std::string_view data, int version = 1) {
  return str("\x93NUMPY", static_cast<char>(version), '\0',
             little_endian(header.size(), version == 1 ? 2 : 4), header, data);
}

std::string header(std::string_view type, std::string_view shape, bool columns_first = false) {
  return str("{'descr': '", type, "', 'fortran_order': ", columns_first ? "True" : "False",
             ", 'shape': ", shape, ", }  \n");
}

std::vector<int> bytes_of(const TensorSource& source, const char* name) {
  std::vector<int> out;
  for (const std::byte each : source.read_all(source.find(name))) {
    out.push_back(static_cast<int>(each));
  }
  return out;
}

class Npz : public ::testing::Test {
 protected:
  std::unique_ptr<TensorSource> open(const std::vector<RawMember>& members) const {
    return open_weights(folder_.file("a.npz", raw_zip(members)));
  }
  void expect_refused(ErrorKind kind, const std::string& array,
                      const std::vector<std::string>& pieces) const {
    std::vector<std::string> all = {"a.npz", "member \"w.npy\""};
    all.insert(all.end(), pieces.begin(), pieces.end());
    expect_error(kind, all, [&] { open({RawMember::stored("w.npy", array)}); });
  }

  TemporaryFolder folder_;
};

TEST_F(Npz, TypesThatOccur) {
  const std::string eight(8, '\1');
  for (const auto& [type, dtype] : {std::pair{"<f4", DType::kF32},
                                    {"<f8", DType::kF64},
                                    {"<f2", DType::kF16},
                                    {"|V2", DType::kBF16},
                                    {"<V2", DType::kBF16},
                                    {"bfloat16", DType::kBF16},
                                    {"|b1", DType::kBool},
                                    {"|u1", DType::kU8},
                                    {"|i1", DType::kI8},
                                    {"<u2", DType::kU16},
                                    {"<i2", DType::kI16},
                                    {"<u4", DType::kU32},
                                    {"<i4", DType::kI32},
                                    {"<u8", DType::kU64},
                                    {"<i8", DType::kI64},
                                    {"=f4", DType::kF32},
                                    {">u1", DType::kU8}}) {
    const std::string shape = str("(", 8 / size_of(dtype), ",)");
    const auto source = open({RawMember::stored("w.npy", npy(header(type, shape), eight))});
    EXPECT_EQ(source->tensors()[0].dtype, dtype) << type;
    EXPECT_EQ(source->tensors()[0].bytes, 8u);
  }
}

TEST_F(Npz, OrdersVersionsAndPackings) {
  const std::string data("\0\1\2\3\4\5", 6);
  for (const int version : {1, 2, 3}) {
    for (const bool packed : {false, true}) {
      const auto member = [&](const char* name, std::string_view text, std::string_view bytes) {
        const std::string content = npy(text, bytes, version);
        return packed ? RawMember::deflate(name, content) : RawMember::stored(name, content);
      };
      const auto source = open({member("rows.npy", header("|u1", "(2, 3)"), data),
                                member("columns.npy", header("|u1", "(2, 3)", true), data),
                                member("cube.npy", header("|u1", "(1, 3, 2)", true), data),
                                member("scalar.npy", header("|u1", "()"), "\7"),
                                member("none.npy", header("|u1", "(0, 5)", true), "")});
      EXPECT_EQ(bytes_of(*source, "rows"), (std::vector{0, 1, 2, 3, 4, 5}));
      EXPECT_EQ(bytes_of(*source, "columns"), (std::vector{0, 2, 4, 1, 3, 5}));
      EXPECT_EQ(bytes_of(*source, "cube"), (std::vector{0, 3, 1, 4, 2, 5}));
      EXPECT_EQ(bytes_of(*source, "scalar"), (std::vector{7}));
      EXPECT_EQ(bytes_of(*source, "none"), (std::vector<int>{}));
    }
  }
}

// Larger than what is read at a time, and so wide that a piece is read in parts.
TEST_F(Npz, LargeColumnsFirst) {
  constexpr int kRows = 700, kColumns = 1100;
  std::string data;
  for (int column = 0; column < kColumns; ++column) {
    for (int row = 0; row < kRows; ++row) data += static_cast<char>((row * 31 + column * 7) % 251);
  }
  const std::string content = npy(header("|u1", str("(", kRows, ", ", kColumns, ")"), true), data);
  const auto source =
      open({RawMember::stored("w.npy", content), RawMember::deflate("packed.npy", content)});
  for (const char* name : {"w", "packed"}) {
    const std::vector<int> got = bytes_of(*source, name);
    ASSERT_EQ(got.size(), data.size());
    for (int row = 0; row < kRows; ++row) {
      for (int column = 0; column < kColumns; ++column) {
        ASSERT_EQ(got[static_cast<std::size_t>(row * kColumns + column)],
                  (row * 31 + column * 7) % 251);
      }
    }
  }
  std::byte one{};  // in pieces, not in their order
  for (const int at : {kColumns, 3, kRows * kColumns - 1, 1}) {
    source->read(source->find("packed"), static_cast<std::uint64_t>(at), std::span(&one, 1));
    EXPECT_EQ(static_cast<int>(one), (at / kColumns * 31 + at % kColumns * 7) % 251);
  }
}

TEST_F(Npz, NamesConfigAndMetadata) {
  const std::string one = npy(header("|u1", "(1,)"), "x");
  const auto source = open({RawMember::stored("b.npy", one), RawMember::stored("a.b.npy", one),
                            RawMember::stored("a/c.npy", one), RawMember::stored("a.npy", one),
                            RawMember::stored("config.json", R"({"num_heads": 4})"),
                            RawMember::stored("metadata.json", R"({"format": "mlx"})")});
  std::vector<std::string> names;
  for (const TensorInfo& info : source->tensors()) names.push_back(info.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "a.b", "a/c", "b"}));
  EXPECT_EQ(source->config(), R"({"num_heads": 4})");
  EXPECT_EQ(source->metadata().at("format"), "mlx");
  expect_error(ErrorKind::kFormat, {"member \"metadata.json\"", "a string for \"n\""}, [&] {
    open({RawMember::stored("a.npy", one), RawMember::stored("metadata.json", R"({"n": 1})")});
  });
  expect_error(ErrorKind::kFormat, {"member \"readme.txt\"", "arrays (NAME.npy)"}, [&] {
    open({RawMember::stored("a.npy", one), RawMember::stored("readme.txt", "x")});
  });
  expect_error(ErrorKind::kFormat, {"arrays (NAME.npy) or of torch (data.pkl)", "neither"},
               [&] { open({RawMember::stored("config.json", "{}")}); });
}

TEST_F(Npz, TypesThatAreRefused) {
  const auto array = [](std::string_view type) { return npy(header(type, "(1,)"), "12345678"); };
  expect_refused(ErrorKind::kModel, array(">f8"), {"little-endian", "\">f8\""});
  expect_refused(ErrorKind::kModel, array("|O"), {"Python objects"});
  expect_refused(ErrorKind::kModel, array("<c8"), {"numbers", "\"<c8\""});
  expect_refused(ErrorKind::kModel, array("<U2"), {"numbers", "\"<U2\""});
  expect_refused(ErrorKind::kModel,
                 npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234"),
                 {"an array of numbers", "records"});
}

TEST_F(Npz, WrongHeaders) {
  const std::string data = "1234";
  const auto with = [&](std::string_view text) { return npy(text, data); };
  expect_refused(ErrorKind::kFormat, "\x93NUMPX\1", {"NumPy's format"});
  expect_refused(ErrorKind::kFormat, "", {"NumPy's format"});
  expect_refused(ErrorKind::kModel, npy(header("<f4", "(1,)"), data, 4), {"version 1 to 3", "4"});
  expect_refused(ErrorKind::kFormat, with(header("<f4", "(2,)")), {"F32 [2]", "4 bytes"});
  expect_refused(ErrorKind::kFormat, with(header("<f4", "(4294967296, 4294967296, 4294967296)")),
                 {"the bytes of F32"});
  expect_refused(ErrorKind::kFormat, with(header("<f4", "(99999999999999999999,)")),
                 {"below 2^63"});
  expect_refused(ErrorKind::kFormat, with(header("<f4", "(-1,)")), {"a whole number"});
  expect_refused(ErrorKind::kFormat, with(header("<f4", "(1,1,1,1,1,1,1,1,1)")),
                 {"at most 8 axes"});
  expect_refused(ErrorKind::kFormat, with("{}"), {"the keys descr", "not all"});
  expect_refused(ErrorKind::kFormat, with("{'descr': '<f4', 'descr': '<f4'}"), {"each key once"});
  expect_refused(ErrorKind::kFormat, with("{'other': 1}"), {"\"other\""});
  expect_refused(ErrorKind::kFormat, with("{'descr': __import__('os')}"), {"a text in quotes"});
  expect_refused(ErrorKind::kFormat, with(header("<f4", "(1,)") + "x"), {"nothing behind"});
  expect_refused(ErrorKind::kFormat, str("\x93NUMPY\2", '\0', little_endian(70'000, 4)),
                 {"at most 65536 bytes", "70000"});
  expect_refused(ErrorKind::kFormat, str("\x93NUMPY\1", '\0', little_endian(500, 2), "{   "),
                 {"a header of 510 bytes", "the member's end"});
}

TEST_F(Npz, EveryByteCutOrChanged) {
  const std::string whole =
      raw_zip({RawMember::stored("w.npy", npy(header("<f4", "(1, 2)", true), "12345678")),
               RawMember::deflate("v.npy", npy(header("<f2", "(3,)"), "123456"))});
  expect_damage_is_refused(folder_, "b.npz", whole);
}

}  // namespace
}  // namespace xlstm
