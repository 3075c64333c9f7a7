// What is written is what is read.
#include "xlstm/weights/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/weights/raw_safetensors.h"

namespace xlstm {
namespace {

using Metadata = std::map<std::string, std::string>;

std::string string_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Some bytes that differ from tensor to tensor.
std::string pattern(std::size_t size, int seed) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + seed * 31);
  return bytes;
}

TEST(Safetensors, EveryDtypeComesBack) {
  const TemporaryFolder folder;
  std::vector<std::string> contents;
  std::vector<TensorToWrite> tensors;
  for (int i = 0; i <= static_cast<int>(DType::kF64); ++i) {
    contents.push_back(pattern(6 * size_of(static_cast<DType>(i)), i));
  }
  for (int i = 0; i <= static_cast<int>(DType::kF64); ++i) {
    const auto dtype = static_cast<DType>(i);
    tensors.push_back({std::string(name_of(dtype)), dtype, {2, 3}, bytes_of(contents[i])});
  }
  write_safetensors(folder / "x", tensors, {});

  const auto source = open_safetensors(folder / "x");
  ASSERT_EQ(source->tensors().size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::size_t at = source->find(tensors[i].name);
    ASSERT_NE(at, TensorSource::npos) << tensors[i].name;
    EXPECT_EQ(source->tensors()[at].dtype, tensors[i].dtype);
    EXPECT_EQ(source->tensors()[at].shape, (Shape{2, 3}));
    EXPECT_EQ(source->tensors()[at].bytes, contents[i].size());
    EXPECT_EQ(string_of(source->read_all(at)), contents[i]);
    std::vector<std::byte> row(3 * size_of(tensors[i].dtype));
    source->read(at, row.size(), row);
    EXPECT_EQ(string_of(row), contents[i].substr(row.size()));
  }
}

TEST(Safetensors, AFileThatIsCutShortWhileItIsOpenIsNamed) {
  const TemporaryFolder folder;
  const std::string content = pattern(100'000, 1);
  write_safetensors(folder / "x", {{"t", DType::kU8, {100'000}, bytes_of(content)}}, {});
  const auto source = open_weights(folder / "x");
  std::filesystem::resize_file(folder / "x", 50'000);
  expect_error(ErrorKind::kFile, {(folder / "x").string(), "cut short"},
               [&] { source->read_all(0); });
}

TEST(Safetensors, ScalarsEmptyTensorsAndStrangeNamesComeBack) {
  const TemporaryFolder folder;
  const std::string four = pattern(4, 1), much = pattern(3 * 5 * 7 * 2, 2);
  const std::string strange("q\"\\\n\0é😀", 11);
  write_safetensors(folder / "x",
                    {{strange, DType::kF32, {}, bytes_of(four)},
                     {"", DType::kBF16, {3, 5, 7}, bytes_of(much)},
                     {"empty", DType::kF64, {2, 0, 9}, {}}},
                    {{"key \"1\"", "é\n"}, {"", ""}});
  const auto source = open_safetensors(folder / "x");
  ASSERT_EQ(source->tensors().size(), 3U);
  EXPECT_EQ(source->tensors()[source->find(strange)].shape, Shape{});
  EXPECT_EQ(string_of(source->read_all(source->find(strange))), four);
  EXPECT_EQ(string_of(source->read_all(source->find(""))), much);
  EXPECT_TRUE(source->read_all(source->find("empty")).empty());
  EXPECT_EQ(source->tensors()[source->find("empty")].shape, (Shape{2, 0, 9}));
  EXPECT_EQ(source->metadata(), (Metadata{{"key \"1\"", "é\n"}, {"", ""}}));
}

TEST(Safetensors, NothingAtAllComesBack) {
  const TemporaryFolder folder;
  write_safetensors(folder / "x", {}, {});
  EXPECT_EQ(content_of(folder / "x"), u64(8) + "{}      ");
  const auto source = open_safetensors(folder / "x");
  EXPECT_TRUE(source->tensors().empty());
  EXPECT_TRUE(source->metadata().empty());
  EXPECT_EQ(source->find("a"), TensorSource::npos);
}

TEST(Safetensors, TheBytesOfAFileAreThoseOfTheFormat) {
  const TemporaryFolder folder;
  const std::string a = "abcd", b = "ef";
  write_safetensors(folder / "x",
                    {{"z", DType::kF32, {1}, bytes_of(a)}, {"y", DType::kU8, {2}, bytes_of(b)}},
                    {{"k", "v"}});
  std::string header =
      R"({"__metadata__":{"k":"v"},"y":{"data_offsets":[4,6],"dtype":"U8","shape":[2]},)"
      R"("z":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(content_of(folder / "x"), u64(header.size()) + header + "abcdef");
}

TEST(Safetensors, TensorsAreSortedAndFound) {
  const TemporaryFolder folder;
  const std::string byte = "x";
  std::vector<TensorToWrite> tensors;
  for (const char* name : {"b.10", "b.2", "a", "b", "B", "é"}) {
    tensors.push_back({name, DType::kU8, {1}, bytes_of(byte)});
  }
  write_safetensors(folder / "x", tensors, {});
  const auto source = open_safetensors(folder / "x");
  for (std::size_t i = 0; i < source->tensors().size(); ++i) {
    EXPECT_EQ(source->find(source->tensors()[i].name), i);
    if (i > 0) {
      EXPECT_LT(source->tensors()[i - 1].name, source->tensors()[i].name);
    }
  }
  for (const char* name : {"", "A", "b.1", "b.100", "c", "\xff"}) {
    EXPECT_EQ(source->find(name), TensorSource::npos) << name;
  }
}

TEST(Safetensors, RefusesToWriteWhatItCouldNotRead) {
  const TemporaryFolder folder;
  const std::string four = "abcd";
  const auto refused = [&](const std::vector<std::string>& pieces,
                           const std::vector<TensorToWrite>& tensors, const Metadata& metadata) {
    expect_error(ErrorKind::kUsage, pieces,
                 [&] { write_safetensors(folder / "x", tensors, metadata); });
  };
  const TensorToWrite good = {"a", DType::kF32, {1}, bytes_of(four)};
  refused({"each name once", "\"a\""}, {good, good}, {});
  refused({"each name once", "__metadata__"}, {{"__metadata__", DType::kU8, {4}, bytes_of(four)}},
          {});
  refused({"UTF-8", "\\xff"}, {{"\xff", DType::kU8, {4}, bytes_of(four)}}, {});
  refused({"UTF-8"}, {good}, {{"k", "\xff"}});
  refused({"UTF-8"}, {good}, {{"\xff", "v"}});
  refused({"\"a\"", "F32 [2]", "4 bytes"}, {{"a", DType::kF32, {2}, bytes_of(four)}}, {});
  refused({"F32 [-1]"}, {{"a", DType::kF32, {-1}, bytes_of(four)}}, {});
  refused({"F32"}, {{"a", DType::kF32, {1LL << 62, 4}, bytes_of(four)}}, {});
  refused({"F64"}, {{"a", DType::kF64, {1LL << 61}, {}}}, {});  // 2^64 bytes are not 0
  refused({"at most 100000000"}, {good}, {{"k", std::string(100'000'000, 'x')}});
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace xlstm
