#include "xlstm/cpu/weight_pointers.h"

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/cpu/cpu_tensor.h"

namespace xlstm::cpu {
namespace {

DType dtype_of(kernels::WeightType type) {
  if (type == kernels::WeightType::kF32) return DType::kF32;
  return type == kernels::WeightType::kF16 ? DType::kF16 : DType::kBF16;
}

const float* optional_floats(const Tensor& tensor) {
  return tensor ? floats_of(tensor) : nullptr;
}

kernels::QuantizedMatrix quantized_matrix(std::string_view op, const QuantizedTensor& W) {
  check_axes(op, "scales", W.scales, 2);
  const std::int64_t N = W.scales.shape()[0], groups = W.scales.shape()[1];
  check_dtype(op, "words", W.words, DType::kU32);
  check_shape(op, "words", W.words, {N, quantized_words(W.format, groups * W.format.group_size)});
  const bool affine = W.format.mode == QuantizationMode::kAffine;
  if (affine) check_shape(op, "biases", W.biases, W.scales.shape());
  kernels::QuantizedMatrix matrix;
  matrix.format = W.format;
  matrix.words = reinterpret_cast<const std::uint32_t*>(data_of(W.words));
  matrix.scales = data_of(W.scales);
  matrix.biases = affine ? data_of(W.biases) : nullptr;
  matrix.scale_type = kernels::weight_type(W.scales.dtype());
  return matrix;
}

kernels::DenseWeights matrix_pointers(std::string_view op, const WeightTensor& weight) {
  kernels::DenseWeights out;
  if (const auto* plain = std::get_if<Tensor>(&weight)) {
    check_axes(op, "W", *plain, 2);
    out.N = length(plain->shape()[0]);
    out.K = length(plain->shape()[1]);
    out.W = data_of(*plain);
    out.type = kernels::weight_type(plain->dtype());
  } else {
    const auto& quantized = std::get<QuantizedTensor>(weight);
    out.quantized = quantized_matrix(op, quantized);
    out.N = length(quantized.scales.shape()[0]);
    out.K = length(quantized.scales.shape()[1] * quantized.format.group_size);
  }
  return out;
}

}  // namespace

kernels::NormWeights norm_pointers(std::string_view op, const Norm& norm, std::size_t width) {
  const TensorShape shape = {static_cast<std::int64_t>(width)};
  check_shape(op, "weight", norm.weight, shape);
  check_dtype(op, "weight", norm.weight, DType::kF32);
  if (norm.bias) check_shape(op, "bias", norm.bias, shape);
  return {floats_of(norm.weight), optional_floats(norm.bias)};
}

kernels::DenseWeights dense_pointers(std::string_view op, const Dense& dense) {
  kernels::DenseWeights out = matrix_pointers(op, dense.weight);
  if (dense.bias) {
    check_shape(op, "bias", dense.bias, {static_cast<std::int64_t>(out.N)});
    check_dtype(op, "bias", dense.bias, DType::kF32);
    out.bias = floats_of(dense.bias);
  }
  return out;
}

kernels::HeadwiseWeights headwise_pointers(const Tensor& x, const Headwise& headwise) {
  constexpr const char* kOp = "headwise_linear";
  check_headwise(x, headwise);
  const Tensor &W = headwise.weight, &bias = headwise.bias;
  if (W.dtype() != DType::kBF16) check_dtype(kOp, "W", W, DType::kF32);
  if (bias) check_dtype(kOp, "bias", bias, DType::kF32);
  const std::size_t I = length(W.shape()[2]), K = length(x.shape()[1]);
  return {length(W.shape()[0]),
          length(W.shape()[1]),
          I,
          K / I,
          data_of(W),
          kernels::weight_type(W.dtype()),
          optional_floats(bias)};
}

EmbeddingRows::EmbeddingRows(const WeightTensor& W) : matrix_(matrix_pointers("embed", W)) {}

void EmbeddingRows::read(std::int32_t id, float* row) const {
  if (id < 0 || length(id) >= matrix_.N) {
    fail_wanted(ErrorKind::kInternal, "embed", str("an id below ", matrix_.N), str(id));
  }
  if (matrix_.quantized) {
    return kernels::dequantize_row(*matrix_.quantized, length(id), matrix_.K, row);
  }
  const std::size_t row_bytes = matrix_.K * kernels::weight_bytes(matrix_.type);
  const auto* const W = static_cast<const std::byte*>(matrix_.W);
  floats_from(W + length(id) * row_bytes, dtype_of(matrix_.type), matrix_.K, row);
}

}  // namespace xlstm::cpu
