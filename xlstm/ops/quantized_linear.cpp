// linear() and take_rows() for weights of either kind.
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

#include <cstring>

#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/thread_pool.h"
#include "xlstm/ops/weight_pointers.h"

namespace xlstm::ops {
namespace {

const char* mode_of(const Quantization& format) {
  return format.mode == QuantizationMode::kMxfp4 ? "mxfp4" : "affine";
}

int columns_of(const QuantizedArray& W) {
  return W.scales.shape(1) * W.format.group_size;
}

void check_weights(std::string_view op, const QuantizedArray& W) {
  if (!is_supported(W.format))
    fail_wanted(ErrorKind::kInternal, op, "a format that we have", to_string(W.format));
  want_rank(op, "words", W.words, 2);
  want_rank(op, "scales", W.scales, 2);
  want_dtype(op, "words", W.words, mx::uint32);
  const bool affine = W.format.mode == QuantizationMode::kAffine;
  if (affine != W.biases.has_value())
    fail_wanted(ErrorKind::kInternal, op, affine ? "biases" : "no biases", to_string(W.format));
  if (affine) {
    want_float(op, "scales", W.scales);
    want_dtype(op, "biases", *W.biases, W.scales.dtype());
    want_shape(op, "biases", *W.biases, W.scales.shape());
  } else {
    want_dtype(op, "scales", W.scales, mx::uint8);
  }
  const auto words = quantized_words(W.format, columns_of(W));
  want_shape(op, "words", W.words, {W.scales.shape(0), static_cast<mx::ShapeElem>(words)});
}

void check_linear(const mx::array& x, const QuantizedArray& W,
                  const std::optional<mx::array>& bias) {
  want_float("linear", "x", x);
  check_weights("linear", W);
  if (x.ndim() == 0) fail_wanted(ErrorKind::kInternal, "linear", "x with axes", "a scalar");
  mx::Shape wanted = x.shape();
  wanted.back() = columns_of(W);
  want_shape("linear", "x", x, wanted);
  if (bias.has_value()) want_shape("linear", "bias", *bias, {W.words.shape(0)});
}

// W's arrays, and how a kernel that gets them as its inputs from `first` on sees the matrix.
std::vector<mx::array> arrays_of(const QuantizedArray& W) {
  std::vector<mx::array> arrays = {W.words, W.scales};
  if (W.biases.has_value()) arrays.push_back(*W.biases);
  return arrays;
}

kernels::QuantizedMatrix matrix_of(const CpuBuffers& t, std::size_t first,
                                   const Quantization& format, kernels::WeightType type) {
  const bool affine = format.mode == QuantizationMode::kAffine;
  return {format, static_cast<const std::uint32_t*>(t.inputs[first]), t.inputs[first + 1],
          affine ? t.inputs[first + 2] : nullptr, type};
}

std::size_t rows_of(const mx::array& x) {
  std::size_t rows = 1;
  for (int axis = 0; axis + 1 < static_cast<int>(x.ndim()); ++axis)
    rows *= static_cast<std::size_t>(x.shape(axis));
  return rows;
}

mx::array linear_cpu(const mx::array& x, const QuantizedArray& W,
                     const std::optional<mx::array>& bias) {
  const std::size_t M = rows_of(x);
  const auto N = static_cast<std::size_t>(W.words.shape(0));
  const auto K = static_cast<std::size_t>(columns_of(W));
  std::vector<mx::array> inputs = arrays_of(W);
  inputs.push_back(mx::astype(x, mx::float32));
  const std::size_t at = inputs.size() - 1;
  if (bias.has_value()) inputs.push_back(mx::astype(*bias, mx::float32));
  const auto kernel = [=, format = W.format, type = weight_type(W.scales)](const CpuBuffers& t) {
    kernels::quantized_linear(thread_pool(), t.input(at), static_cast<std::ptrdiff_t>(K),
                              matrix_of(t, 0, format, type),
                              t.inputs.size() > at + 1 ? t.input(at + 1) : nullptr, t.output(0),
                              static_cast<std::ptrdiff_t>(N), M, N, K);
  };
  mx::Shape shape = x.shape();
  shape.back() = W.words.shape(0);
  return run_on_cpu({"quantized_linear", kernel}, std::move(shape), mx::float32, std::move(inputs));
}

mx::array quantized_definition(const mx::array& x, const QuantizedArray& W,
                               const std::optional<mx::array>& bias) {
  check_linear(x, W, bias);
  const bool affine = W.format.mode == QuantizationMode::kAffine;
  const mx::Dtype dtype = affine ? W.scales.dtype() : x.dtype();
  mx::array y =
      mx::astype(mx::quantized_matmul(mx::astype(x, dtype), W.words, W.scales, W.biases, true,
                                      W.format.group_size, W.format.bits, mode_of(W.format)),
                 x.dtype());
  if (bias.has_value()) y = y + mx::astype(*bias, x.dtype());
  return y;
}

// Rows by an op of MLX for each array, then dequantised: on any device.
mx::array take_quantized_definition(const QuantizedArray& W, const mx::array& ids,
                                    mx::Dtype dtype) {
  std::optional<mx::array> biases;
  if (W.biases.has_value()) biases = mx::take(*W.biases, ids, 0);
  const mx::array rows =
      mx::dequantize(mx::take(W.words, ids, 0), mx::take(W.scales, ids, 0), biases,
                     W.format.group_size, W.format.bits, mode_of(W.format), std::nullopt, dtype);
  return mx::astype(rows, dtype);
}

// Rows `ids` of a matrix of N rows and K columns, of which take(t, row, to) reads one. `inputs` are
// the matrix.
template <typename Take>
mx::array take_rows_cpu(std::vector<mx::array> inputs, std::size_t N, std::size_t K,
                        const mx::array& ids, const Take& take) {
  mx::Shape shape = ids.shape();
  shape.push_back(static_cast<int>(K));
  inputs.push_back(ids);
  const auto kernel = [=, count = ids.size()](const CpuBuffers& t) {
    const auto* const rows = static_cast<const std::int32_t*>(t.inputs.back());
    for (std::size_t at = 0; at < count; ++at) {
      if (rows[at] < 0 || static_cast<std::size_t>(rows[at]) >= N)
        fail_wanted(ErrorKind::kInternal, "take_rows", str("an id below ", N), str(rows[at]));
      take(t, static_cast<std::size_t>(rows[at]), t.output(0) + at * K);
    }
  };
  return run_on_cpu({"take_rows", kernel}, std::move(shape), mx::float32, std::move(inputs));
}

mx::array take_quantized_cpu(const QuantizedArray& W, const mx::array& ids) {
  const auto K = static_cast<std::size_t>(columns_of(W));
  const auto take = [K, format = W.format, type = weight_type(W.scales)](
                        const CpuBuffers& t, std::size_t row, float* to) {
    kernels::dequantize_row(matrix_of(t, 0, format, type), row, K, to);
  };
  return take_rows_cpu(arrays_of(W), static_cast<std::size_t>(W.words.shape(0)), K, ids, take);
}

mx::array take_dense_cpu(const mx::array& W, const mx::array& ids) {
  want_float("take_rows", "W", W);
  const auto K = static_cast<std::size_t>(W.shape(1));
  const auto take = [K, type = element_type(W), row_bytes = K * W.itemsize()](
                        const CpuBuffers& t, std::size_t row, float* to) {
    floats_from(static_cast<const std::byte*>(t.inputs[0]) + row * row_bytes, type, K, to);
  };
  return take_rows_cpu({W}, static_cast<std::size_t>(W.shape(0)), K, ids, take);
}

}  // namespace

mx::array linear_definition(const mx::array& x, const WeightArray& W,
                            const std::optional<mx::array>& bias) {
  if (const auto* dense = std::get_if<mx::array>(&W)) return linear_definition(x, *dense, bias);
  return quantized_definition(x, std::get<QuantizedArray>(W), bias);
}

mx::array linear(const mx::array& x, const WeightArray& W, const std::optional<mx::array>& bias) {
  if (const auto* dense = std::get_if<mx::array>(&W)) return linear(x, *dense, bias);
  const auto& quantized = std::get<QuantizedArray>(W);
  if (!on_cpu()) return quantized_definition(x, quantized, bias);
  check_linear(x, quantized, bias);
  return linear_cpu(x, quantized, bias);
}

mx::array take_rows(const WeightArray& W, const mx::array& ids, mx::Dtype dtype) {
  want_dtype("take_rows", "ids", ids, mx::int32);
  if (const auto* dense = std::get_if<mx::array>(&W)) {
    want_rank("take_rows", "W", *dense, 2);
    if (!on_cpu()) return mx::astype(mx::take(*dense, ids, 0), dtype);
    return mx::astype(take_dense_cpu(*dense, ids), dtype);
  }
  const auto& quantized = std::get<QuantizedArray>(W);
  check_weights("take_rows", quantized);
  if (!on_cpu()) return take_quantized_definition(quantized, ids, dtype);
  return mx::astype(take_quantized_cpu(quantized, ids), dtype);
}

}  // namespace xlstm::ops
