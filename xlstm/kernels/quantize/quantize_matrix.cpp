#include "xlstm/kernels/quantize/quantize_matrix.h"

#include <algorithm>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/base/threads.h"

namespace xlstm::kernels {
namespace {

// Rows that a thread takes at once: about a megabyte of floats.
std::size_t rows_at_once(std::size_t K) {
  constexpr std::size_t kFloats = std::size_t{1} << 18;
  return std::max<std::size_t>(1, kFloats / std::max<std::size_t>(1, K));
}

DType float_type(WeightType type) {
  if (type == WeightType::kF32) return DType::kF32;
  return type == WeightType::kF16 ? DType::kF16 : DType::kBF16;
}

// A weight that its type holds may need a scale or bias that theirs does not.
void check_scales(const QuantizedRows& rows, std::size_t n, std::size_t K,
                  const Quantization& format, const std::string& where) {
  if (format.mode == QuantizationMode::kMxfp4) return;
  const DType type = float_type(rows.scale_type);
  std::vector<float> values(n * scale_bytes(format, rows.scale_type, K) / size_of(type));
  for (const void* array : {rows.scales, rows.biases}) {
    floats_from(static_cast<const std::byte*>(array), type, values.size(), values.data());
    if (first_not_finite(values.data(), values.size()) == values.size()) continue;
    fail_wanted(ErrorKind::kModel, where,
                str("weights whose scales and biases ", name_of(type), " can hold"), "larger ones");
  }
}

}  // namespace

std::size_t scale_bytes(const Quantization& format, WeightType scale_type, std::size_t K) {
  const std::size_t groups = K / static_cast<std::size_t>(format.group_size);
  return groups * (format.mode == QuantizationMode::kMxfp4 ? 1 : weight_bytes(scale_type));
}

QuantizedRows rows_from(const QuantizedRows& rows, std::size_t n, std::size_t K,
                        const Quantization& format) {
  const auto words =
      static_cast<std::size_t>(quantized_words(format, static_cast<std::int64_t>(K)));
  const std::size_t scales = n * scale_bytes(format, rows.scale_type, K);
  const auto moved = [scales](void* array) -> void* {
    return array == nullptr ? nullptr : static_cast<std::byte*>(array) + scales;
  };
  return {rows.words + n * words, moved(rows.scales), moved(rows.biases), rows.scale_type};
}

void quantize_matrix(std::span<const std::byte> W, DType type, std::size_t N, std::size_t K,
                     const Quantization& format, Rounding rounding, const float* importance,
                     const QuantizedRows& out, const std::string& where) {
  const std::size_t step = rows_at_once(K);
  const std::size_t row_bytes = K * size_of(type);
  parallel_for((N + step - 1) / step, [&](std::size_t part) {
    const std::size_t first = part * step, rows = std::min(step, N - first);
    std::vector<float> values(rows * K);
    floats_from(W.data() + first * row_bytes, type, values.size(), values.data());
    const std::size_t bad = first_not_finite(values.data(), values.size());
    if (bad < values.size()) {
      fail_wanted(ErrorKind::kModel, where, "finite weights",
                  str(values[bad], " in row ", first + bad / K, ", column ", bad % K));
    }
    const QuantizedRows part_out = rows_from(out, first, K, format);
    quantize_rows(values.data(), rows, K, format, rounding, importance, part_out);
    check_scales(part_out, rows, K, format, where);
  });
}

}  // namespace xlstm::kernels
