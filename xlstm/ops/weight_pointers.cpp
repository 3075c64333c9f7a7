#include "xlstm/ops/weight_pointers.h"

#include "mlx/ops.h"
#include "mlx/transforms.h"
#include "xlstm/ops/check.h"

namespace xlstm::ops {
namespace {

mx::array settled(const mx::array& a) {
  // mx::contiguous() copies an array that is a small part of its memory.
  if (a.is_available() && a.flags().row_contiguous) return a;
  mx::array out = mx::contiguous(a);
  mx::eval(out);
  return out;
}

mx::array settled_float32(const mx::array& a) {
  return settled(mx::astype(a, mx::float32));
}

const float* floats(const std::optional<mx::array>& a) {
  return a ? a->data<float>() : nullptr;
}

kernels::QuantizedMatrix quantized_pointers(const char* op, const char* name,
                                            const QuantizedArray& W, std::size_t N, std::size_t K) {
  const auto rows = static_cast<int>(N);
  const auto words = quantized_words(W.format, static_cast<std::int64_t>(K));
  const int groups = static_cast<int>(K) / W.format.group_size;
  want_shape(op, name, W.words, {rows, static_cast<int>(words)});
  want_shape(op, name, W.scales, {rows, groups});
  if (W.biases) want_shape(op, name, *W.biases, {rows, groups});
  return {W.format, W.words.data<std::uint32_t>(), W.scales.data<void>(),
          W.biases ? W.biases->data<void>() : nullptr, weight_type(W.scales)};
}

}  // namespace

DType element_type(const mx::array& a) {
  if (a.dtype() == mx::bfloat16) return DType::kBF16;
  return a.dtype() == mx::float16 ? DType::kF16 : DType::kF32;
}

kernels::WeightType weight_type(const mx::array& a) {
  return kernels::weight_type(element_type(a));
}

Norm settled(const Norm& norm) {
  Norm out = {settled_float32(norm.weight), std::nullopt};
  if (norm.bias) out.bias = settled_float32(*norm.bias);
  return out;
}

Dense settled(const Dense& dense) {
  Dense out = dense;
  if (auto* plain = std::get_if<mx::array>(&out.weight)) {
    *plain = settled(*plain);
  } else {
    auto& quantized = std::get<QuantizedArray>(out.weight);
    quantized.words = settled(quantized.words);
    quantized.scales = settled(quantized.scales);
    if (quantized.biases) quantized.biases = settled(*quantized.biases);
  }
  if (out.bias) out.bias = settled_float32(*out.bias);
  return out;
}

kernels::NormWeights pointers(const char* op, const char* name, const Norm& norm,
                              std::size_t width) {
  const mx::Shape shape = {static_cast<int>(width)};
  want_shape(op, name, norm.weight, shape);
  if (norm.bias) want_shape(op, name, *norm.bias, shape);
  return {norm.weight.data<float>(), floats(norm.bias)};
}

kernels::DenseWeights pointers(const char* op, const char* name, const Dense& dense, std::size_t N,
                               std::size_t K) {
  if (dense.bias) want_shape(op, name, *dense.bias, {static_cast<int>(N)});
  kernels::DenseWeights out;
  out.N = N;
  out.K = K;
  out.bias = floats(dense.bias);
  if (const auto* plain = std::get_if<mx::array>(&dense.weight)) {
    want_shape(op, name, *plain, {static_cast<int>(N), static_cast<int>(K)});
    want_float(op, name, *plain);
    out.W = plain->data<void>();
    out.type = weight_type(*plain);
  } else {
    out.quantized = quantized_pointers(op, name, std::get<QuantizedArray>(dense.weight), N, K);
  }
  return out;
}

}  // namespace xlstm::ops
