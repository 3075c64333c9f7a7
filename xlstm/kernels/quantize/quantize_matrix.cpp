#include "xlstm/kernels/quantize/quantize_matrix.h"

#include <algorithm>
#include <cassert>
#include <vector>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/kernels/quantize/gptq.h"

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

struct Matrix {
  std::span<const std::byte> bytes;
  DType type;
  std::size_t N, K;
  const std::string& where;
  std::size_t first_row = 0;  // of a larger matrix
};

// Calls task(values, first row, rows) for ranges of rows as floats, on all threads.
template <typename Task>
void for_row_ranges(ThreadPool& pool, const Matrix& W, std::size_t step, const Task& task) {
  const std::size_t row_bytes = W.K * size_of(W.type);
  pool.parallel_for(ceil_div(W.N, step), [&](std::size_t part) {
    const std::size_t first = part * step, rows = std::min(step, W.N - first);
    std::vector<float> values(rows * W.K);
    floats_from(W.bytes.data() + first * row_bytes, W.type, values.size(), values.data());
    const std::size_t bad = first_not_finite(values.data(), values.size());
    if (bad < values.size()) {
      fail_wanted(
          ErrorKind::kModel, W.where, "finite weights",
          str(values[bad], " in row ", W.first_row + first + bad / W.K, ", column ", bad % W.K));
    }
    task(values.data(), first, rows);
  });
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

void quantize_matrix(ThreadPool& pool, std::span<const std::byte> W, DType type, std::size_t N,
                     std::size_t K, const Quantization& format, Rounding rounding,
                     const float* importance, const QuantizedRows& out, const std::string& where,
                     std::size_t first_row) {
  assert(W.size() == N * K * size_of(type));
  const Matrix matrix = {W, type, N, K, where, first_row};
  for_row_ranges(pool, matrix, rows_at_once(K),
                 [&](const float* values, std::size_t first, std::size_t rows) {
                   const QuantizedRows to = rows_from(out, first, K, format);
                   quantize_rows(values, rows, K, format, rounding, importance, to);
                   check_scales(to, rows, K, format, where);
                 });
}

void gptq_matrix(ThreadPool& pool, std::span<const std::byte> W, DType type, std::size_t N,
                 const LdlFactor& factor, const Quantization& format, Rounding rounding,
                 const QuantizedRows& out, const std::string& where) {
  assert(W.size() == N * factor.K * size_of(type));
  const Matrix matrix = {W, type, N, factor.K, where};
  for_row_ranges(pool, matrix, kGptqRows,
                 [&](const float* values, std::size_t first, std::size_t rows) {
                   const QuantizedRows to = rows_from(out, first, factor.K, format);
                   gptq_rows(values, rows, factor, format, rounding, to);
                   check_scales(to, rows, factor.K, format, where);
                 });
}

}  // namespace xlstm::kernels
