#include "xlstm/kernels/quantize/quantize.h"

#include <array>
#include <cassert>
#include <cstring>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/quantize/quantize_groups.h"

namespace xlstm::kernels {
namespace {

// A stream of codes, least significant bits first.
void pack(const std::uint32_t* codes, std::size_t count, unsigned bits, std::uint32_t* words) {
  std::uint64_t window = 0;
  unsigned filled = 0;
  for (std::size_t i = 0; i < count; ++i) {
    window |= static_cast<std::uint64_t>(codes[i]) << filled;
    filled += bits;
    if (filled < 32) continue;
    *words++ = static_cast<std::uint32_t>(window);
    window >>= 32;
    filled -= 32;
  }
}

void store_factor(float value, WeightType type, void* array, std::size_t at) {
  if (type == WeightType::kF32) {
    std::memcpy(static_cast<float*>(array) + at, &value, sizeof value);
    return;
  }
  const std::uint16_t bits =
      type == WeightType::kBF16 ? bf16_from_float(value) : f16_from_float(value);
  std::memcpy(static_cast<std::uint16_t*>(array) + at, &bits, sizeof bits);
}

}  // namespace

void store_group(const QuantizedGroup& group, const Quantization& format, std::size_t at,
                 const QuantizedRows& out) {
  const auto size = static_cast<std::size_t>(format.group_size);
  const auto words = static_cast<std::size_t>(quantized_words(format, format.group_size));
  pack(group.codes, size, static_cast<unsigned>(format.bits), out.words + at * words);
  if (format.mode == QuantizationMode::kMxfp4) {
    static_cast<std::uint8_t*>(out.scales)[at] = group.exponent;
    return;
  }
  store_factor(group.scale, out.scale_type, out.scales, at);
  store_factor(group.bias, out.scale_type, out.biases, at);
}

void quantize_rows(const float* W, std::size_t N, std::size_t K, const Quantization& format,
                   Rounding rounding, const float* importance, const QuantizedRows& out) {
  assert(K % static_cast<std::size_t>(format.group_size) == 0);
  assert(N == 0 || K == 0 || (W != nullptr && out.words != nullptr && out.scales != nullptr));
  const auto size = static_cast<std::size_t>(format.group_size);
  std::array<float, kLongestGroup> even;
  even.fill(1.0F);
  QuantizedGroup group;
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t k = 0; k < K; k += size) {
      const float* h = importance != nullptr ? importance + k : even.data();
      quantize_group({W + n * K + k, h, format, rounding, out.scale_type}, group);
      store_group(group, format, (n * K + k) / size, out);
    }
  }
}

}  // namespace xlstm::kernels
