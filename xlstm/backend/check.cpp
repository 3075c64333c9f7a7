#include "xlstm/backend/check.h"

#include <algorithm>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm {

void check_shape(std::string_view op, std::string_view name, const Tensor& tensor,
                 const TensorShape& shape) {
  if (tensor && tensor.shape() == shape) return;
  fail_wanted(ErrorKind::kInternal, op, str(name, " of shape ", to_string(shape)),
              tensor ? to_string(tensor.shape()) : "none");
}

void check_axes(std::string_view op, std::string_view name, const Tensor& tensor,
                std::size_t axes) {
  if (tensor && tensor.shape().axes() == axes) return;
  fail_wanted(ErrorKind::kInternal, op, str(name, " with ", axes, " axes"),
              tensor ? to_string(tensor.shape()) : "none");
}

void check_dtype(std::string_view op, std::string_view name, const Tensor& tensor, DType dtype) {
  if (tensor && tensor.dtype() == dtype) return;
  fail_wanted(ErrorKind::kInternal, op, str(name, " of type ", name_of(dtype)),
              tensor ? name_of(tensor.dtype()) : "none");
}

void check_elements(std::string_view op, const Tensor& tensor, std::int64_t count) {
  if (tensor.elements() == count) return;
  fail_wanted(ErrorKind::kInternal, op, str(tensor.elements(), " elements"), str(count));
}

std::int64_t check_sequences(std::string_view op, const Tensor& x, std::int64_t B) {
  check_axes(op, "x", x, 2);
  if (B > 0 && x.shape()[0] % B == 0) return x.shape()[0] / B;
  fail_wanted(ErrorKind::kInternal, op, str("tokens of ", B, " sequences"), to_string(x.shape()));
}

void check_range(std::string_view op, std::int64_t begin, std::int64_t end, std::int64_t length) {
  if (begin >= 0 && begin <= end && end <= length) return;
  fail_wanted(ErrorKind::kInternal, op, str("a range in [0, ", length, ")"),
              str("[", begin, ", ", end, ")"));
}

void check_mlstm_cell(const MlstmCellInput& in, const MlstmMixerSpec& s) {
  check_axes("mlstm_cell", "q", in.q, 2);
  const std::int64_t T = in.q.shape()[0];
  check_shape("mlstm_cell", "q", in.q, {T, s.NH * s.DHQK});
  check_shape("mlstm_cell", "k", in.k, {T, s.NH * s.DHQK});
  check_shape("mlstm_cell", "v", in.v, {T, s.NH * s.DHV});
  check_shape("mlstm_cell", "i", in.i, {T, s.NH});
  check_shape("mlstm_cell", "f", in.f, {T, s.NH});
}

void check_mlstm_mixer(const Tensor& qkvo, const Tensor& gates, const MlstmMixerSpec& s) {
  check_axes("mlstm_mixer", "qkvo", qkvo, 2);
  const std::int64_t T = qkvo.shape()[0];
  check_shape("mlstm_mixer", "qkvo", qkvo, {T, 2 * s.NH * s.DHQK + 2 * s.NH * s.DHV});
  check_shape("mlstm_mixer", "gates", gates, {T, 2 * s.NH});
  check_dtype("mlstm_mixer", "gates", gates, DType::kF32);
}

std::int64_t check_row_attention(const Tensor& qkv, const RowAttentionSpec& spec) {
  check_axes("row_attention", "qkv", qkv, 2);
  const auto R = std::ssize(spec.group);
  const std::int64_t T = qkv.shape()[0], width = qkv.shape()[1];
  if (spec.is_target.size() != spec.group.size() || R == 0 || T % R != 0) {
    fail_wanted(ErrorKind::kInternal, "row_attention", "a group and a kind for each row of tokens",
                str(R, " groups, ", spec.is_target.size(), " kinds, ", T, " tokens"));
  }
  if (spec.NA < 1 || width % (3 * spec.NA) != 0) {
    fail_wanted(ErrorKind::kInternal, "row_attention",
                str("queries, keys and values of ", spec.NA, " heads"), str(width, " columns"));
  }
  for (const std::int32_t group : spec.group) check_range("row_attention", group, group + 1, R);
  return T / R;
}

void check_join_columns(std::span<const Tensor> parts) {
  if (parts.empty()) fail_wanted(ErrorKind::kInternal, "join_columns", "a part or more", "none");
  for (const Tensor& part : parts) {
    check_axes("join_columns", "part", part, 2);
    check_shape("join_columns", "part", part, {parts.front().shape()[0], part.shape()[1]});
    check_dtype("join_columns", "part", part, parts.front().dtype());
  }
}

void check_headwise(const Tensor& x, const Headwise& w) {
  check_axes("headwise_linear", "x", x, 2);
  check_axes("headwise_linear", "W", w.weight, 3);
  const std::int64_t G = w.weight.shape()[0], O = w.weight.shape()[1], I = w.weight.shape()[2];
  const std::int64_t K = x.shape()[1];
  if (I == 0 || K == 0 || K % I != 0 || G % (K / I) != 0) {
    fail_wanted(ErrorKind::kInternal, "headwise_linear",
                str("x of whole heads of ", I, ", ", G, " groups a multiple of their number"),
                to_string(x.shape()));
  }
  if (w.bias) check_shape("headwise_linear", "bias", w.bias, {G * O});
}

void check_causal_conv1d(const Tensor& x, const CausalConv& w, std::int64_t B) {
  check_sequences("causal_conv1d", x, B);
  check_axes("causal_conv1d", "W", w.weight, 2);
  check_shape("causal_conv1d", "W", w.weight, {x.shape()[1], w.weight.shape()[1]});
  check_shape("causal_conv1d", "bias", w.bias, {x.shape()[1]});
}

void check_slstm_scan(const Tensor& gates_if, const Tensor& gates_zo, const SlstmWeights& w,
                      std::int64_t B) {
  check_axes("slstm_scan", "R", w.R, 3);
  const std::int64_t NH = w.R.shape()[0], DH = w.R.shape()[1];
  check_shape("slstm_scan", "R", w.R, {NH, DH, 4 * DH});
  check_shape("slstm_scan", "bias", w.bias, {NH, 4 * DH});
  check_sequences("slstm_scan", gates_if, B);
  check_shape("slstm_scan", "gates_if", gates_if, {gates_if.shape()[0], 2 * NH * DH});
  check_shape("slstm_scan", "gates_zo", gates_zo, gates_if.shape());
}

void check_sample(std::span<Sampler* const> samplers, const Tensor& logits,
                  std::span<const AllowedIds> allowed) {
  check_axes("sample", "logits", logits, 2);
  const auto B = static_cast<std::int64_t>(samplers.size());
  std::vector<const Sampler*> sorted;
  for (const Sampler* sampler : samplers) {
    if (sampler == nullptr) continue;
    sorted.push_back(sampler);
    check_shape("sample", "logits", logits, {B, sampler->V()});
  }
  check_shape("sample", "logits", logits, {B, logits.shape()[1]});
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    fail_wanted(ErrorKind::kInternal, "sample", "a sampler of its own for each row", "one twice");
  }
  if (allowed.empty()) return;
  if (allowed.size() != samplers.size()) {
    fail_wanted(ErrorKind::kInternal, "sample", str("masks of ", B, " rows"), str(allowed.size()));
  }
  const auto words = static_cast<std::size_t>((logits.shape()[1] + 63) / 64);
  for (const AllowedIds& own : allowed) {
    if (own.empty() || own.size() == words) continue;
    fail_wanted(ErrorKind::kInternal, "sample", str("masks of ", words, " words"), str(own.size()));
  }
}

}  // namespace xlstm
