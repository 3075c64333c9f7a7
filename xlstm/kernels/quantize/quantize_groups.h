// One group of a row at a time: its scale, its bias and its codes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/base/quantization.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/quantize/quantize.h"

namespace xlstm::kernels {

inline constexpr std::size_t kLongestGroup = 128;

// What a group becomes, scale and bias as the file holds them. For kMxfp4 `exponent` is its scale.
struct QuantizedGroup {
  float scale = 0;
  float bias = 0;
  std::uint8_t exponent = 0;
  alignas(64) std::uint32_t codes[kLongestGroup];
};

struct GroupTask {
  const float* w;           // [group_size]
  const float* importance;  // [group_size]
  Quantization format;
  Rounding rounding;
  WeightType scale_type;
};

void quantize_group(const GroupTask& task, QuantizedGroup& out);

// Puts a group where its words and scales lie: number `at` of all groups, row by row.
void store_group(const QuantizedGroup& group, const Quantization& format, std::size_t at,
                 const QuantizedRows& out);

}  // namespace xlstm::kernels
