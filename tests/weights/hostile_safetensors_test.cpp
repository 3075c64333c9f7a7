// Every way in which a safetensors file can lie.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/weights/raw_safetensors.h"
#include "xlstm/weights/safetensors.h"

namespace xlstm {
namespace {

using Pieces = std::vector<std::string>;

SafetensorsHeader parse(std::string_view bytes) {
  return parse_safetensors(std::as_bytes(std::span(bytes)), bytes.size(), "f.safetensors");
}

void expect_refused(std::string_view bytes, const Pieces& pieces,
                    ErrorKind kind = ErrorKind::kFormat) {
  SCOPED_TRACE(quoted(bytes.substr(0, 200)));
  Pieces all = {"f.safetensors"};
  all.insert(all.end(), pieces.begin(), pieces.end());
  expect_error(kind, all, [&] { parse(bytes); });
}

// A file of one tensor "t", given by its three members, and `data_bytes` of data.
std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets,
                std::size_t data_bytes) {
  return raw_file(
      str(R"({"t":{"dtype":)", dtype, R"(,"shape":)", shape, R"(,"data_offsets":)", offsets, "}}"),
      data_bytes);
}

void expect_t_refused(const std::string& bytes, const Pieces& pieces) {
  Pieces all = {"tensor \"t\""};
  all.insert(all.end(), pieces.begin(), pieces.end());
  expect_refused(bytes, all);
}

TEST(HostileSafetensors, AGitLfsPointerIsCalledOne) {
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 17085056\n",
                 {"a Git LFS pointer", "git lfs pull"});
}

TEST(HostileSafetensors, ASoundFileIsTaken) {
  const auto header = parse(one("\"I16\"", "[2,3]", "[0,12]", 12));
  ASSERT_EQ(header.entries.size(), 1U);
  EXPECT_EQ(header.entries[0].info.dtype, DType::kI16);
  EXPECT_EQ(header.entries[0].info.shape, (Shape{2, 3}));
  EXPECT_EQ(header.entries[0].info.bytes, 12U);
  EXPECT_EQ(header.entries[0].info.file, "f.safetensors");
  EXPECT_TRUE(parse(raw_file("{}", 0)).entries.empty());
  EXPECT_TRUE(parse(raw_file("{}     ", 0)).entries.empty());
}

TEST(HostileSafetensors, TooShortForALength) {
  for (std::size_t size = 0; size < 8; ++size) {
    expect_refused(std::string(size, '\2'), {"8 bytes at least", str("got ", size, " bytes")});
  }
}

TEST(HostileSafetensors, HeaderLengthAgainstTheFile) {
  expect_refused(u64(1), {"at most 0 bytes", "got 1"});
  expect_refused(u64(3) + "{}", {"at most 2 bytes", "got 3"});
  expect_refused(u64(~0ULL) + "{}", {"at most 2 bytes", "18446744073709551615"});
  expect_refused(u64(1ULL << 63) + "{}", {"at most 2 bytes"});
  expect_refused(u64(0xFFFFFFFFFFFFFFF8) + "{}", {"at most 2 bytes"});  // + 8 would wrap to 0
  expect_refused(u64(0) + "{}", {"starts with {", "empty"});
}

TEST(HostileSafetensors, HeaderBeyondTheFormatsLimit) {
  std::string bytes = u64(100'000'001) + "{}";
  bytes.resize(8 + 100'000'001, ' ');
  expect_refused(bytes, {"at most 100000000 bytes", "got 100000001"});
}

TEST(HostileSafetensors, EveryCutOffFile) {
  const std::string whole = raw_file(raw_object(raw_entry("a", 0, 5), raw_entry("b", 5, 9)), 9);
  EXPECT_EQ(parse(whole).entries.size(), 2U);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    expect_refused(whole.substr(0, size), {});
  }
  expect_refused(whole + "x", {"9 bytes of tensors", "got 10"});
}

TEST(HostileSafetensors, HeaderThatIsNoObject) {
  for (const char* header : {"[]", "7", "\"{}\"", "null", " {}", "\xef\xbb\xbf{}"}) {
    expect_refused(raw_file(header, 0), {"starts with {"});
  }
  for (const char* header : {"{", "{}}", "{} {}", "{\"a\"}", "{\"a\":}", "{,}", "{}\x01"}) {
    expect_refused(raw_file(header, 0), {"malformed JSON", "line 1"});
  }
  expect_refused(raw_file(std::string("{}\0\0", 4), 0), {"zero byte"});
}

TEST(HostileSafetensors, NamesThatAreNotUtf8OrGivenTwice) {
  expect_refused(raw_file(raw_object(raw_entry("a\xff", 0, 1)), 1), {"UTF-8"});
  expect_refused(raw_file(raw_object(raw_entry("a", 0, 1), raw_entry("a", 1, 2)), 2),
                 {"\"a\"", "twice"});
  expect_refused(raw_file(raw_object(raw_entry("a", 0, 1), raw_entry("\\u0061", 1, 2)), 2),
                 {"\"a\"", "twice"});
}

TEST(HostileSafetensors, NestingAsDeepAsTheFileIsLong) {
  expect_refused(raw_file(str("{\"a\":", std::string(2'000'000, '[')), 0), {"8 deep"});
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  expect_refused(raw_file(objects, 0), {"8 deep"});
}

TEST(HostileSafetensors, MoreValuesThanAnyModelHas) {
  std::string many = "{\"t\":{\"shape\":[0";
  for (int i = 0; i < 4'000'000; ++i) many += ",0";
  expect_refused(raw_file(many + "]}}", 0), {"at most 4000000 JSON values"});
}

TEST(HostileSafetensors, EntriesThatAreNoObjects) {
  for (const auto& [value, kind] :
       {std::pair{"7", "a number"}, {"[]", "an array"}, {"null", "null"}, {"\"x\"", "a string"}}) {
    expect_t_refused(raw_file(str("{\"t\":", value, "}"), 0), {"an object", kind});
  }
}

TEST(HostileSafetensors, MissingMembers) {
  const std::string dtype = R"("dtype":"U8")", shape = R"("shape":[1])",
                    offsets = R"("data_offsets":[0,1])";
  const auto with = [](const std::string& a, const std::string& b) {
    return raw_file(str("{\"t\":{", a, ",", b, "}}"), 1);
  };
  expect_t_refused(with(shape, offsets), {"\"dtype\"", "none"});
  expect_t_refused(with(dtype, offsets), {"\"shape\"", "none"});
  expect_t_refused(with(dtype, shape), {"\"data_offsets\"", "none"});
}

TEST(HostileSafetensors, DtypesThatAreNone) {
  expect_t_refused(one("\"F31\"", "[1]", "[0,4]", 4), {"F32", "\"F31\""});
  expect_t_refused(one("\"\"", "[1]", "[0,4]", 4), {"\"\""});
  expect_t_refused(one("7", "[1]", "[0,4]", 4), {"string \"dtype\"", "a number"});
  expect_t_refused(one("null", "[1]", "[0,4]", 4), {"string \"dtype\"", "null"});
}

TEST(HostileSafetensors, DtypesThatWeDoNotRunAreNotCalledDamage) {
  for (const char* dtype : {"\"F8_E4M3\"", "\"F8_E5M2\"", "\"F4\"", "\"C64\""}) {
    expect_refused(one(dtype, "[4]", "[0,4]", 4), {"tensor \"t\"", "BF16", dtype},
                   ErrorKind::kModel);
  }
}

TEST(HostileSafetensors, ShapesThatAreNone) {
  for (const auto& [shape, shown] : {std::pair{"7", "a number"},
                                     {"[-1]", "-1"},
                                     {"[1.0]", "1.0"},
                                     {"[\"1\"]", "a string"},
                                     {"[null]", "null"},
                                     {"[[1]]", "an array"},
                                     {"[9223372036854775808]", "9223372036854775808"},
                                     {"[1e3]", "1000"},
                                     {"[1,1,1,1,1,1,1,1,1]", "at most 8 axes"}}) {
    expect_t_refused(one("\"U8\"", shape, "[0,1]", 1), {shown});
  }
}

TEST(HostileSafetensors, ShapesWhoseProductsWrap) {
  for (const char* shape :
       {"[4294967296,4294967296]", "[9223372036854775807,2]", "[4294967296,2147483648,2]",
        "[9223372036854775807,9223372036854775807,0]"}) {
    expect_t_refused(one("\"U8\"", shape, "[0,0]", 0), {"64 bits"});
  }
  // 2^62 elements can be counted, their 2^64 bytes cannot.
  expect_t_refused(one("\"F32\"", "[4611686018427387904]", "[0,0]", 0), {"64 bits"});
  expect_t_refused(one("\"F64\"", "[2305843009213693952]", "[0,0]", 0), {"64 bits"});
}

TEST(HostileSafetensors, OffsetsThatAreNone) {
  for (const auto& [offsets, shown] : {std::pair{"7", "a number"},
                                       {"[]", "one of 0"},
                                       {"[0]", "one of 1"},
                                       {"[0,1,1]", "one of 3"},
                                       {"[-1,0]", "-1"},
                                       {"[0,1.0]", "1.0"},
                                       {"[\"0\",1]", "a string"},
                                       {"[0,null]", "null"},
                                       {"[0,18446744073709551616]", "a number"}}) {
    expect_t_refused(one("\"U8\"", "[1]", offsets, 1), {shown});
  }
}

TEST(HostileSafetensors, OffsetsOutOfOrderOrOutOfTheFile) {
  expect_t_refused(one("\"U8\"", "[1]", "[1,0]", 1), {"in order", "[1, 0]"});
  expect_t_refused(one("\"U8\"", "[2]", "[0,2]", 1), {"1 bytes behind the header", "[0, 2]"});
  expect_t_refused(one("\"U8\"", "[1]", "[18446744073709551614,18446744073709551615]", 1),
                   {"1 bytes behind the header"});
  // A difference that fits, from offsets that do not.
  expect_t_refused(one("\"U8\"", "[1]", "[18446744073709551615,0]", 1), {"in order"});
}

TEST(HostileSafetensors, SizesThatDisagreeWithShapes) {
  expect_t_refused(one("\"F32\"", "[2]", "[0,4]", 4), {"8 bytes for F32 [2]", "got 4"});
  expect_t_refused(one("\"F32\"", "[]", "[0,8]", 8), {"4 bytes for F32 []", "got 8"});
  expect_t_refused(one("\"U8\"", "[0]", "[0,1]", 1), {"0 bytes for U8 [0]", "got 1"});
}

TEST(HostileSafetensors, OverlapsHolesAndRests) {
  const auto two = [](std::uint64_t b0, std::uint64_t e0, std::uint64_t b1, std::uint64_t e1) {
    return raw_file(raw_object(raw_entry("a", b0, e0), raw_entry("b", b1, e1)), 10);
  };
  EXPECT_EQ(parse(two(0, 4, 4, 10)).entries.size(), 2U);
  EXPECT_EQ(parse(two(4, 10, 0, 4)).entries.size(), 2U);
  EXPECT_EQ(parse(two(0, 10, 10, 10)).entries.size(), 2U);
  EXPECT_EQ(parse(two(0, 0, 0, 10)).entries.size(), 2U);
  expect_refused(two(0, 5, 4, 10), {"\"b\"", "from byte 5", "from byte 4, an overlap"});
  expect_refused(two(0, 10, 0, 10), {"\"b\"", "an overlap"});
  expect_refused(two(0, 10, 4, 4), {"\"b\"", "an overlap"});  // empty, but not between tensors
  expect_refused(two(0, 4, 5, 10), {"\"b\"", "from byte 4", "from byte 5, a hole"});
  expect_refused(two(1, 4, 4, 10), {"\"a\"", "from byte 0", "a hole"});
  expect_refused(two(0, 4, 4, 9), {"9 bytes of tensors", "got 10"});
  expect_refused(raw_file("{}", 1), {"0 bytes of tensors", "got 1"});
}

TEST(HostileSafetensors, MetadataThatIsNotOfStrings) {
  const auto file = [](const std::string& value) {
    return raw_file(str("{\"__metadata__\":", value, "}"), 0);
  };
  EXPECT_EQ(parse(file(R"({"a":"b"})")).metadata.at("a"), "b");
  expect_refused(file("7"), {"__metadata__", "a number"});
  expect_refused(file("[]"), {"__metadata__", "an array"});
  EXPECT_TRUE(parse(file("null")).metadata.empty());  // MLX writes it so
  expect_refused(file(R"({"a":1})"), {"metadata \"a\"", "a number"});
  expect_refused(file(R"({"a":{}})"), {"metadata \"a\"", "an object"});
}

TEST(HostileSafetensors, ALongNameMakesAShortMessage) {
  expect_refused(raw_file(raw_object(raw_entry(std::string(1'000'000, 'n'), 1, 2)), 2),
                 {"a hole", "nnnn"});
}

TEST(HostileSafetensors, NothingWorseThanAnErrorFromChangedBytes) {
  const std::string whole = raw_file(
      raw_object(R"("__metadata__":{"k":"v"})", raw_entry("a", 0, 5), raw_entry("b", 5, 9)), 9);
  std::mt19937 random(3);
  int taken = 0;
  for (int time = 0; time < 20'000; ++time) {
    std::string bytes = whole;
    for (unsigned changes = 1 + random() % 3; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    try {
      for (const auto& entry : parse(bytes).entries) {
        ASSERT_LE(entry.info.bytes, bytes.size());
        ASSERT_LE(entry.offset, bytes.size() - entry.info.bytes);
      }
      ++taken;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(taken, 100) << "changes of data and names do no harm";
  EXPECT_LT(taken, 10'000);
}

}  // namespace
}  // namespace xlstm
