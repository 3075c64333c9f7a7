#include "xlstm/backend/backend.h"

#include <algorithm>
#include <cstring>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/group/share.h"

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

void Backend::choose(std::string_view name, int value) {
  for (const TuningChoice& choice : tuning_choices()) {
    if (choice.name != name) continue;
    for (const int each : choice.values) {
      if (each == value) return;
    }
    fail_wanted(ErrorKind::kUsage, choice.name, "one of its values", str(value));
  }
  fail_wanted(ErrorKind::kUsage, this->name(), "a choice that it has", quoted(name));
}

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

Tensor Backend::gated(const Tensor& gate_up, Activation f) {
  const std::int64_t F = gate_up.shape().last() / 2;
  return multiply(activate(columns(gate_up, 0, F), f), columns(gate_up, F, 2 * F));
}

std::vector<TopTokens> Backend::top_tokens(const Tensor& logits,
                                           std::span<const std::int32_t> chosen, std::size_t n) {
  check_top_tokens(logits, chosen);
  const std::span<const float> numbers = read_floats(logits);
  const auto V = static_cast<std::size_t>(logits.shape()[1]);
  std::vector<TopTokens> rows;
  for (std::size_t t = 0; t < chosen.size(); ++t) {
    rows.push_back(top_tokens_of(numbers.subspan(t * V, V), chosen[t], n));
  }
  return rows;
}

Tensor Backend::sample(Sampler& sampler, const Tensor& logits, AllowedIds allowed) {
  Sampler* const one = &sampler;
  return sample(std::span(&one, 1), logits, std::span(&allowed, 1));
}

Tensor Backend::on_first_rank(Tensor x) const {
  if (group_ == nullptr || group_->leads()) return x;
  return {x.shape(), x.dtype(), nullptr};
}

Tensor Backend::all_sum(Tensor x) {
  if (group_ == nullptr) return x;
  const std::span<const std::byte> own = read(x);
  Tensor sum = allocate(x.shape(), x.dtype(), "all_sum");
  const std::span<std::byte> to = writable(sum);
  std::copy(own.begin(), own.end(), to.begin());
  group_->all_sum(x.dtype(), to);
  return sum;
}

Tensor Backend::all_columns(const Tensor& x, std::int64_t N) {
  if (group_ == nullptr) return x;
  check_axes("all_columns", "x", x, 2);
  const std::int64_t T = x.shape()[0];
  std::vector<std::size_t> sizes;
  for (int rank = 0; rank < group_->size(); ++rank) {
    sizes.push_back(static_cast<std::size_t>(T * share_of(N, rank, group_->size()).size()) *
                    size_of(x.dtype()));
  }
  std::vector<std::byte> all(static_cast<std::size_t>(T * N) * size_of(x.dtype()));
  group_->gather(read(x), sizes, all);
  // Each rank's rows, cut into pieces of a row.
  Tensor y = allocate({T, N}, x.dtype(), "all_columns");
  const std::size_t rows = static_cast<std::size_t>(T);
  std::byte* to = writable(y).data();
  for (std::size_t t = 0; t < rows; ++t) {
    const std::byte* from = all.data();
    for (const std::size_t size : sizes) {
      to = std::copy_n(from + t * (size / rows), size / rows, to);
      from += size;
    }
  }
  return y;
}

Backend::MlstmProjections Backend::mlstm_projections(const Tensor& x, const Norm& norm, float eps,
                                                     const Dense& qkvo, const Dense& gates) {
  const Tensor a = rms_norm(x, norm, eps);
  Tensor projected = linear(a, qkvo);
  return {std::move(projected), linear(to_float32(a), gates)};
}

Tensor Backend::norm_linear(const Tensor& x, const Norm& norm, float eps, const Dense& dense) {
  return linear(rms_norm(x, norm, eps), dense);
}

Tensor Backend::norm_swiglu(const Tensor& x, const Norm& norm, float eps, const Dense& up) {
  return swiglu(linear(rms_norm(x, norm, eps), up));
}

Tensor Backend::linear_add(const Tensor& x, const Dense& dense, Tensor y) {
  const Tensor product = linear(x, dense);
  if (!y) return product;
  return add(std::move(y), product);
}

Tensor Backend::mlstm_mixer_add(const Tensor& qkvo, Tensor gates, const Norm& norm,
                                const MlstmMixerSpec& spec, LayerState state, const Dense& out,
                                Tensor y) {
  const Tensor h = mlstm_mixer(qkvo, std::move(gates), norm, spec, state);
  return linear_add(h, out, std::move(y));
}

Tensor Backend::repeat(const std::shared_ptr<const void>&, const Tensor& input, StateBatch&,
                       const std::function<Tensor(const Tensor&)>& run) {
  return run(input);
}

}  // namespace xlstm
