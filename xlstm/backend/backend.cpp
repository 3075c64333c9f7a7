#include "xlstm/backend/backend.h"

#include <cstring>

#include "xlstm/backend/check.h"

namespace xlstm {
namespace {

template <typename Value>
Tensor filled_with(Backend& b, const TensorShape& shape, DType dtype,
                   std::span<const Value> values) {
  Tensor tensor = b.allocate(shape, dtype, "values");
  check_elements("values", tensor, static_cast<std::int64_t>(values.size()));
  if (!values.empty()) {
    std::memcpy(b.writable(tensor).data(), values.data(), values.size_bytes());
  }
  return tensor;
}

template <typename Value>
std::span<const Value> read_as(Backend& b, const Tensor& tensor, DType dtype) {
  check_dtype("read", "tensor", tensor, dtype);
  const std::span<const std::byte> bytes = b.read(tensor);
  return {reinterpret_cast<const Value*>(bytes.data()), bytes.size() / sizeof(Value)};
}

}  // namespace

Tensor Backend::floats(const TensorShape& shape, std::span<const float> values) {
  return filled_with(*this, shape, DType::kF32, values);
}

Tensor Backend::ids(const TensorShape& shape, std::span<const std::int32_t> values) {
  return filled_with(*this, shape, DType::kI32, values);
}

std::span<const float> Backend::read_floats(const Tensor& tensor) {
  return read_as<float>(*this, tensor, DType::kF32);
}

std::span<const std::int32_t> Backend::read_ids(const Tensor& tensor) {
  return read_as<std::int32_t>(*this, tensor, DType::kI32);
}

Tensor Backend::mlstm_mixer(const Tensor& qkvo, Tensor gates, const Norm& norm,
                            const MlstmMixerSpec& spec, LayerState state) {
  const std::int64_t QK = spec.NH * spec.DHQK, V = spec.NH * spec.DHV;
  gates = soft_cap(std::move(gates), spec.gate_soft_cap);
  const Tensor h = mlstm_cell({.q = columns(qkvo, 0, QK),
                               .k = columns(qkvo, QK, 2 * QK),
                               .v = columns(qkvo, 2 * QK, 2 * QK + V),
                               .i = columns(gates, 0, spec.NH),
                               .f = columns(gates, spec.NH, 2 * spec.NH)},
                              spec, state);
  Tensor out_gate = sigmoid(columns(qkvo, 2 * QK + V, 2 * QK + 2 * V));
  return multiply(std::move(out_gate), head_norm(h, norm, spec.NH, spec.norm_eps));
}

Tensor Backend::row_sums(const Tensor& logits) {
  std::vector<float> sums;
  for (std::int64_t row = 0; row < logits.shape()[0]; ++row) {
    sums.push_back(read_floats(sum(tokens(logits, 1, row, row + 1))).front());
  }
  return floats({logits.shape()[0]}, sums);
}

Tensor Backend::sample(std::span<Sampler* const> samplers, const Tensor& logits) {
  std::vector<std::int32_t> out;
  for (std::size_t row = 0; row < samplers.size(); ++row) {
    const auto at = static_cast<std::int64_t>(row);
    out.push_back(samplers[row] == nullptr
                      ? -1
                      : read_ids(samplers[row]->sample(tokens(logits, 1, at, at + 1))).front());
  }
  return ids({logits.shape()[0]}, out);
}

}  // namespace xlstm
