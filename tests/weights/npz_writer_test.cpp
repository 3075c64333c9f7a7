// NPZ archives that are written.
#include "xlstm/weights/npz_writer.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

constexpr DType kAll[] = {DType::kBool, DType::kU8,  DType::kI8,  DType::kU16, DType::kI16,
                          DType::kU32,  DType::kI32, DType::kU64, DType::kI64, DType::kF16,
                          DType::kBF16, DType::kF32, DType::kF64};

TEST(NpzWriter, WhatIsWrittenIsRead) {
  const TemporaryFolder folder;
  std::vector<TensorHeader> tensors = {{"none", DType::kF32, {0, 3}}, {"scalar", DType::kF64, {}}};
  std::string all = "12345678";
  for (const DType dtype : kAll) {
    tensors.push_back({str("blocks.0/", name_of(dtype)), dtype, {2, 3}});
    for (std::size_t i = 0; i < 6 * size_of(dtype); ++i) all += static_cast<char>(i % 2);
  }
  tensors.push_back({"none_at_the_end", DType::kF32, {0}});
  NpzWriter out(folder / "w.npz", tensors, {{"format", "mlx"}}, R"({"a": 1})");
  for (std::size_t at = 0; at < all.size(); at += 5)
    out.write(bytes_of(all).subspan(at).first(std::min<std::size_t>(5, all.size() - at)));
  EXPECT_TRUE(folder.names().size() == 1 && folder.names()[0] != "w.npz") << "not before its end";
  EXPECT_EQ(open_weights(out.finish())->tensors().size(), tensors.size());
  EXPECT_TRUE(folder.names().size() == 1 && folder.names()[0] != "w.npz") << "nor then";
  out.commit();
  const auto source = open_weights(folder / "w.npz");
  ASSERT_EQ(source->tensors().size(), tensors.size());
  std::string read;
  for (const TensorHeader& tensor : tensors) {
    const std::size_t index = source->find(tensor.name);
    ASSERT_NE(index, TensorSource::npos) << tensor.name;
    EXPECT_EQ(source->tensors()[index].dtype, tensor.dtype);
    EXPECT_EQ(source->tensors()[index].shape, tensor.shape);
    for (const std::byte each : source->read_all(index)) read += static_cast<char>(each);
  }
  EXPECT_EQ(read, all);
  EXPECT_EQ(source->config(), R"({"a": 1})");
  EXPECT_EQ(source->metadata(), (std::map<std::string, std::string>{{"format", "mlx"}}));
}

TEST(NpzWriter, RefusesWhatCannotBeWritten) {
  const TemporaryFolder folder;
  const auto refuse = [&](std::vector<TensorHeader> tensors, const char* wanted) {
    expect_error(ErrorKind::kUsage, {"w.npz", wanted},
                 [&] { NpzWriter(folder / "w.npz", std::move(tensors), {}, ""); });
  };
  refuse({{"a", DType::kF32, {1}}, {"a", DType::kF32, {1}}}, "each name once");
  refuse({{"../a", DType::kF32, {1}}}, "stays in the folder");
  refuse({{"/a", DType::kF32, {1}}}, "stays in the folder");
  refuse({{"\xFF", DType::kF32, {1}}}, "UTF-8");
  refuse({{"a", DType::kF32, {-1}}}, "a shape");
  {
    NpzWriter out(folder / "w.npz", {{"a", DType::kU8, {2}}}, {}, "");
    out.write(bytes_of("1"));
    expect_error(ErrorKind::kInternal, {"1 bytes more"}, [&] { out.commit(); });
    expect_error(ErrorKind::kInternal, {"no bytes more"}, [&] { out.write(bytes_of("123")); });
  }
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace xlstm
