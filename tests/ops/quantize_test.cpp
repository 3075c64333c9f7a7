// Our quantising against MLX's own.
#include "xlstm/kernels/quantize/quantize.h"

#include <gtest/gtest.h>

#include <cstring>

#include "mlx/mlx.h"

namespace xlstm::testing {
namespace {

namespace mx = mlx::core;
using kernels::Rounding;
using kernels::WeightType;

struct Type {
  mx::Dtype dtype;
  WeightType type;
};

const Type kTypes[] = {{mx::float32, WeightType::kF32},
                       {mx::bfloat16, WeightType::kBF16},
                       {mx::float16, WeightType::kF16}};

// Rows with outliers, of one sign, and with groups of zeros.
mx::array weights(int N, int K, mx::Dtype dtype) {
  mx::array w = mx::random::normal({N, K}, mx::float32, 0.0F, 0.05F, mx::random::key(5));
  const mx::array column = mx::arange(K, mx::int32);
  w = mx::where(mx::remainder(column, mx::array(97)) == mx::array(5), w * mx::array(20.0F), w);
  const mx::array row = mx::reshape(mx::arange(N, mx::int32), {N, 1});
  w = mx::where(mx::remainder(row, mx::array(3)) == mx::array(1), mx::abs(w) + mx::array(0.1F), w);
  const mx::array zero = mx::logical_and(row == mx::array(0), column < mx::array(128));
  w = mx::astype(mx::where(zero, mx::zeros_like(w), w), dtype);
  mx::eval(w);
  return w;
}

template <typename T>
std::vector<T> bytes_as(mx::array a) {
  a = mx::contiguous(a);
  mx::eval(a);
  std::vector<T> out(a.nbytes() / sizeof(T));
  std::memcpy(out.data(), a.data<char>(), a.nbytes());
  return out;
}

void compare(const Quantization& format, const Type& type) {
  const int N = 7, K = 384;
  const mx::array w = weights(N, K, type.dtype);
  const std::string mode(name_of(format.mode));
  const auto wanted =
      mx::quantize(w, format.group_size, format.bits, mode, std::nullopt, mx::Device::cpu);

  const bool affine = format.mode == QuantizationMode::kAffine;
  const std::vector<float> rows = bytes_as<float>(mx::astype(w, mx::float32));
  std::vector<std::uint32_t> words(wanted[0].size());
  std::vector<std::uint8_t> scales(wanted[1].nbytes()), biases(affine ? wanted[2].nbytes() : 0);
  kernels::quantize_rows(rows.data(), N, K, format, Rounding::kMinMax, nullptr,
                         {words.data(), scales.data(), biases.data(), type.type});
  EXPECT_EQ(words, bytes_as<std::uint32_t>(wanted[0])) << to_string(format);
  EXPECT_EQ(scales, bytes_as<std::uint8_t>(wanted[1])) << to_string(format);
  if (!affine) return;
  EXPECT_EQ(biases, bytes_as<std::uint8_t>(wanted[2])) << to_string(format);
}

TEST(QuantizeMlx, MinMaxIsMlxsBitForBit) {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) {
      for (const Type& type : kTypes) compare({QuantizationMode::kAffine, bits, group}, type);
    }
  }
}

TEST(QuantizeMlx, Mxfp4IsMlxsBitForBit) {
  for (const Type& type : kTypes) compare({QuantizationMode::kMxfp4, 4, 32}, type);
}

}  // namespace
}  // namespace xlstm::testing
