#include "xlstm/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/cpu/causal_conv.h"
#include "xlstm/cpu/cpu_tensor.h"
#include "xlstm/cpu/mlstm_cell.h"
#include "xlstm/cpu/row_groups.h"
#include "xlstm/cpu/sampler.h"
#include "xlstm/cpu/slstm_cell.h"
#include "xlstm/cpu/state_batch.h"
#include "xlstm/cpu/top_tokens.h"
#include "xlstm/cpu/weight_memory.h"
#include "xlstm/cpu/weight_pointers.h"
#include "xlstm/kernels/activation/activation.h"
#include "xlstm/kernels/choose/choose.h"
#include "xlstm/kernels/elementwise/elementwise.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/kernels/simd/simd.h"
#include "xlstm/kernels/swiglu/swiglu.h"

namespace xlstm::cpu {
namespace {

class CpuBackend final : public Backend {
 public:
  CpuBackend(std::size_t threads, std::shared_ptr<Group> group)
      : Backend(std::move(group)), threads_(threads), workspace_(std::make_shared<Workspace>()) {}

  std::string_view name() const override { return "cpu"; }
  DType activation_dtype() const override { return DType::kF32; }
  bool is_lazy() const override { return false; }
  ThreadPool& threads() override { return threads_; }
  bool takes_unequal_lengths() const override { return true; }
  std::vector<std::int64_t> row_limits(const Dense& dense) const override {
    const std::vector<std::size_t> limits =
        kernels::dense_row_limits(dense_pointers("linear", dense));
    return {limits.begin(), limits.end()};
  }

  // --- memory --------------------------------------------------------------------------------
  Tensor allocate(const TensorShape& shape, DType dtype, std::string_view where) override {
    const std::size_t bytes = length(shape.elements()) * size_of(dtype);
    return {shape, dtype, workspace_->take(bytes, where)};
  }

  std::span<std::byte> writable(Tensor& tensor) override {
    return {data_of(tensor), tensor.bytes()};
  }

  std::unique_ptr<WeightMemory> weight_memory(std::uint64_t bytes, std::uint64_t tensors) override {
    return std::make_unique<CpuWeightMemory>(workspace_, bytes, tensors);
  }

  Dense prepare(Dense dense) override {
    if (dense.bias) dense.bias = as_float32(dense.bias);
    return dense;
  }

  Norm prepare(Norm norm) override {
    return {as_float32(norm.weight), norm.bias ? as_float32(norm.bias) : Tensor()};
  }

  Headwise prepare(Headwise headwise) override {
    if (headwise.weight.dtype() == DType::kF16) headwise.weight = as_float32(headwise.weight);
    if (headwise.bias) headwise.bias = as_float32(headwise.bias);
    return headwise;
  }

  CausalConv prepare(CausalConv conv) override {
    check_axes("causal_conv1d", "W", conv.weight, 2);
    const Tensor W = as_float32(conv.weight);
    conv.weight = allocate({W.shape()[1], W.shape()[0]}, DType::kF32, "weights");
    transpose_taps(W, floats_of(conv.weight));
    return {conv.weight, as_float32(conv.bias)};
  }

  SlstmWeights prepare(SlstmWeights weights) override {
    const Tensor R = weights.R.dtype() == DType::kF16 ? as_float32(weights.R) : weights.R;
    const TensorShape shape = packed_R_shape(R);
    const auto bytes = static_cast<std::uint64_t>(shape.elements()) * size_of(R.dtype());
    weights.R = weight_memory(bytes, 1)->take(shape, R.dtype(), "weights");  // in large pages
    pack_R(R, data_of(weights.R));
    return {weights.R, as_float32(weights.bias)};
  }

  Tensor filled(const TensorShape& shape, float value) override {
    Tensor tensor = allocate(shape, DType::kF32, "filled");
    std::fill_n(floats_of(tensor), tensor.elements(), value);
    return tensor;
  }

  std::unique_ptr<StateBatch> state_batch() override {
    return std::make_unique<CpuStates>(workspace_);
  }

  void evaluate(std::span<const Tensor>) override {}
  void evaluate_async(std::span<const Tensor>) override {}
  void synchronize() noexcept override {}

  std::span<const std::byte> read(const Tensor& tensor) override {
    return {data_of(tensor), tensor.bytes()};
  }

  BackendMemory memory() const override { return workspace_->memory(); }
  void drop_cache() override { workspace_->drop_cache(); }
  std::uint64_t device_memory() const override { return 0; }

  // --- ops -----------------------------------------------------------------------------------
  Tensor embed(const WeightTensor& W, const Tensor& ids) override {
    const ProfileSection section(profile_, "embed");
    check_dtype("embed", "ids", ids, DType::kI32);
    const EmbeddingRows rows(W);
    const std::size_t T = length(ids.elements());
    Tensor y =
        allocate({ids.elements(), static_cast<std::int64_t>(rows.D())}, DType::kF32, "embed");
    for (std::size_t t = 0; t < T; ++t) rows.read(ids_of(ids)[t], floats_of(y) + t * rows.D());
    return y;
  }

  Tensor rms_norm(const Tensor& x, const Norm& norm, float eps) override {
    const ProfileSection section(profile_, "rms_norm");
    const std::size_t D = length(x.shape().last());
    const kernels::NormWeights w = norm_pointers("rms_norm", norm, D);
    Tensor y = like("rms_norm", x);
    kernels::rms_norm(threads_, floats_of(x), w.weight, w.bias, eps, floats_of(y),
                      length(x.shape().rows()), D);
    return y;
  }

  Tensor linear(const Tensor& x, const Dense& dense) override {
    const ProfileSection section(profile_, dense.name.empty() ? "linear" : dense.name.c_str());
    check_float32("linear", x);
    const kernels::DenseWeights w = dense_pointers("linear", dense);
    check_shape("linear", "x", x, x.shape().with_last(static_cast<std::int64_t>(w.K)));
    Tensor y = allocate(x.shape().with_last(static_cast<std::int64_t>(w.N)), DType::kF32, "linear");
    kernels::dense(threads_, w, floats_of(x), floats_of(y), length(x.elements()) / w.K);
    return y;
  }

  Tensor swiglu(const Tensor& gate_up) override {
    const ProfileSection section(profile_, "swiglu");
    check_float32("swiglu", gate_up);
    const std::int64_t F = gate_up.shape().last() / 2;
    check_shape("swiglu", "gate_up", gate_up, gate_up.shape().with_last(2 * F));
    Tensor y = allocate(gate_up.shape().with_last(F), DType::kF32, "swiglu");
    kernels::swiglu(threads_, floats_of(gate_up), floats_of(y), length(gate_up.shape().rows()),
                    length(F));
    return y;
  }

  Tensor add(Tensor x, const Tensor& y) override {
    const ProfileSection section(profile_, "add");
    check_float32("add", x);
    check_shape("add", "y", y, x.shape());
    const Tensor out = in_place_of("add", x);
    kernels::add(threads_, floats_of(x), floats_of(y), floats_of(out), length(x.elements()));
    return out;
  }

  Tensor multiply(Tensor x, const Tensor& y) override {
    const ProfileSection section(profile_, "multiply");
    check_float32("multiply", x);
    check_float32("multiply", y);
    const Tensor out = in_place_of("multiply", x);
    if (x.shape() == y.shape()) {
      kernels::multiply(threads_, floats_of(x), floats_of(y), floats_of(out), length(x.elements()));
      return out;
    }
    check_shape("multiply", "y", y, {x.shape().last()});
    const std::size_t D = length(y.elements());
    for (std::size_t at = 0; at < length(x.elements()); at += D) {
      kernels::multiply(threads_, floats_of(x) + at, floats_of(y), floats_of(out) + at, D);
    }
    return out;
  }

  Tensor sigmoid(Tensor x) override {
    const ProfileSection section(profile_, "sigmoid");
    check_float32("sigmoid", x);
    const Tensor out = in_place_of("sigmoid", x);
    kernels::sigmoid(threads_, floats_of(x), floats_of(out), length(x.elements()));
    return out;
  }

  Tensor soft_cap(Tensor x, std::optional<float> cap) override {
    if (!cap) return x;
    const ProfileSection section(profile_, "soft_cap");
    check_float32("soft_cap", x);
    const Tensor out = in_place_of("soft_cap", x);
    kernels::soft_cap(threads_, floats_of(x), *cap, floats_of(out), length(x.elements()));
    return out;
  }

  Tensor to_float32(Tensor x) override {
    check_float32("to_float32", x);
    return x;
  }
  Tensor to_activation(Tensor x) override { return to_float32(std::move(x)); }

  Tensor reshape(const Tensor& x, const TensorShape& shape) override {
    check_elements("reshape", x, shape.elements());
    return {shape, x.dtype(), x.data()};
  }

  Tensor columns(const Tensor& x, std::int64_t begin, std::int64_t end) override {
    check_float32("columns", x);
    const std::int64_t N = x.shape().last();
    check_range("columns", begin, end, N);
    Tensor y = allocate(x.shape().with_last(end - begin), DType::kF32, "columns");
    const std::size_t width = length(end - begin);
    for (std::size_t row = 0; row < length(x.shape().rows()); ++row) {
      std::copy_n(floats_of(x) + row * length(N) + length(begin), width,
                  floats_of(y) + row * width);
    }
    return y;
  }

  Tensor join_columns(std::span<const Tensor> parts) override {
    check_join_columns(parts);
    check_float32("join_columns", parts.front());
    const std::int64_t T = parts.front().shape()[0];
    std::int64_t width = 0;
    for (const Tensor& part : parts) width += part.shape()[1];
    Tensor y = allocate({T, width}, DType::kF32, "join_columns");
    float* to = floats_of(y);
    for (std::size_t t = 0; t < length(T); ++t) {
      for (const Tensor& part : parts) {
        const std::size_t N = length(part.shape().last());
        to = std::copy_n(floats_of(part) + t * N, N, to);
      }
    }
    return y;
  }

  Tensor tokens(const Tensor& x, std::int64_t B, std::int64_t begin, std::int64_t end) override {
    check_float32("tokens", x);
    const std::int64_t D = x.shape().last(), S = check_sequences("tokens", x, B);
    check_range("tokens", begin, end, S);
    if (begin == 0 && end == S) return x;
    Tensor y = allocate({B * (end - begin), D}, DType::kF32, "tokens");
    const std::size_t count = length((end - begin) * D);
    for (std::size_t b = 0; b < length(B); ++b) {
      std::copy_n(floats_of(x) + (b * length(S) + length(begin)) * length(D), count,
                  floats_of(y) + b * count);
    }
    return y;
  }

  Tensor join_tokens(std::span<const Tensor> parts, std::int64_t B) override {
    std::int64_t T = 0;
    for (const Tensor& part : parts) {
      check_float32("join_tokens", part);
      check_sequences("join_tokens", part, B);
      T += part.shape()[0];
    }
    const std::int64_t D = parts.empty() ? 0 : parts.front().shape().last();
    Tensor y = allocate({T, D}, DType::kF32, "join_tokens");
    float* to = floats_of(y);
    for (std::size_t b = 0; b < length(B); ++b) {
      for (const Tensor& part : parts) {
        const std::size_t count = length(part.elements()) / length(B);
        to = std::copy_n(floats_of(part) + b * count, count, to);
      }
    }
    return y;
  }

  Tensor mlstm_cell(const MlstmCellInput& in, const MlstmMixerSpec& s, LayerState state) override {
    const ProfileSection section(profile_, "mlstm_cell");
    check_mlstm_cell(in, s);
    const std::int64_t T = in.q.shape()[0], QK = s.NH * s.DHQK, V = s.NH * s.DHV;
    // The kernels take one stride for q, k and v: here they lie apart, each by itself.
    const Tensor parts[] = {in.q, in.k, in.v};
    const Tensor qkv = join_columns(parts);
    const float* const q = floats_of(qkv);
    return run_cell({q, q + QK, q + 2 * QK, floats_of(in.i), floats_of(in.f), 2 * QK + V, s.NH}, T,
                    s, state);
  }

  Tensor head_norm(const Tensor& h, const Norm& norm, std::int64_t NH, float eps) override {
    const ProfileSection section(profile_, "head_norm");
    check_float32("head_norm", h);
    const std::int64_t V = h.shape().last();
    const kernels::NormWeights w = norm_pointers("head_norm", norm, length(V));
    Tensor y = like("head_norm", h);
    kernels::head_norm(
        threads_,
        {floats_of(h), w.weight, w.bias, nullptr, 0, floats_of(y), eps, length(NH), length(V / NH)},
        length(h.shape().rows()));
    return y;
  }

  // The same kernels as the definition's, on columns where they lie.
  Tensor mlstm_mixer(const Tensor& qkvo, Tensor gates, const Norm& norm, const MlstmMixerSpec& s,
                     LayerState state) override {
    const ProfileSection section(profile_, "mlstm_mixer");
    check_float32("mlstm_mixer", qkvo);
    check_mlstm_mixer(qkvo, gates, s);
    const std::int64_t T = qkvo.shape()[0], QK = s.NH * s.DHQK, V = s.NH * s.DHV;
    const kernels::NormWeights w = norm_pointers("mlstm_mixer", norm, length(V));
    if (s.gate_soft_cap) {
      const Tensor capped = in_place_of("mlstm_mixer", gates);
      kernels::soft_cap(threads_, floats_of(gates), *s.gate_soft_cap, floats_of(capped),
                        length(gates.elements()));
      gates = capped;
    }
    const float* const q = floats_of(qkvo);
    const float* const i = floats_of(gates);
    Tensor h =
        run_cell({q, q + QK, q + 2 * QK, i, i + s.NH, 2 * QK + 2 * V, 2 * s.NH}, T, s, state);
    kernels::head_norm(threads_,
                       {floats_of(h), w.weight, w.bias, q + 2 * QK + V, 2 * QK + 2 * V,
                        floats_of(h), s.norm_eps, length(s.NH), length(s.DHV)},
                       length(T));
    return h;
  }

  // --- ops of sLSTM and of first-paper blocks ------------------------------------------------
  Tensor activate(Tensor x, Activation f) override {
    const ProfileSection section(profile_, "activate");
    check_float32("activate", x);
    const Tensor out = in_place_of("activate", x);
    kernels::activate(threads_, f, floats_of(x), floats_of(out), length(x.elements()));
    return out;
  }

  Tensor gated(const Tensor& gate_up, Activation f) override {
    const ProfileSection section(profile_, "gated");
    check_float32("gated", gate_up);
    const std::int64_t F = gate_up.shape().last() / 2;
    check_shape("gated", "gate_up", gate_up, gate_up.shape().with_last(2 * F));
    Tensor y = allocate(gate_up.shape().with_last(F), DType::kF32, "gated");
    kernels::gated(threads_, f, floats_of(gate_up), floats_of(y), length(gate_up.shape().rows()),
                   length(F));
    return y;
  }

  Tensor headwise_linear(const Tensor& x, const Headwise& headwise) override {
    const ProfileSection section(profile_, "headwise_linear");
    check_float32("headwise_linear", x);
    const kernels::HeadwiseWeights w = headwise_pointers(x, headwise);
    const std::int64_t T = x.shape()[0];
    Tensor y = allocate({T, static_cast<std::int64_t>(w.G * w.O)}, DType::kF32, "headwise_linear");
    kernels::headwise(threads_, w, floats_of(x), floats_of(y), length(T));
    return y;
  }

  Tensor causal_conv1d(const Tensor& x, const CausalConv& weights, LayerState state) override {
    const ProfileSection section(profile_, "causal_conv1d");
    Tensor y = like("causal_conv1d", x);
    run_causal_conv(threads_, x, weights, state, y);
    return y;
  }

  Tensor slstm_scan(const Tensor& gates_if, const Tensor& gates_zo, const SlstmWeights& weights,
                    LayerState state) override {
    const ProfileSection section(profile_, "slstm_scan");
    check_axes("slstm_scan", "gates", gates_if, 2);
    Tensor y =
        allocate(gates_if.shape().with_last(gates_if.shape()[1] / 2), DType::kF32, "slstm_scan");
    run_slstm_scan(threads_, gates_if, gates_zo, weights, state, y);
    return y;
  }

  // --- ops between the rows of series ----------------------------------------------------------
  Tensor reverse_tokens(const Tensor& x, std::int64_t B) override {
    const ProfileSection section(profile_, "reverse_tokens");
    const std::size_t S = length(check_sequences("reverse_tokens", x, B));
    Tensor y = like("reverse_tokens", x);
    const std::size_t D = length(x.shape().last());
    for (std::size_t t = 0; t < length(B) * S; ++t) {
      const std::size_t from = t / S * S + (S - 1 - t % S);
      std::copy_n(floats_of(x) + from * D, D, floats_of(y) + t * D);
    }
    return y;
  }

  Tensor row_attention(const Tensor& qkv, const RowAttentionSpec& spec) override {
    const ProfileSection section(profile_, "row_attention");
    check_float32("row_attention", qkv);
    const std::int64_t S = check_row_attention(qkv, spec), D = qkv.shape().last() / 3;
    const RowGroups groups(spec);
    Tensor y = allocate(qkv.shape().with_last(D), DType::kF32, "row_attention");
    kernels::row_attention(threads_,
                           {floats_of(qkv), floats_of(y), length(S), length(spec.NA),
                            length(D / spec.NA), spec.qk_norm_eps},
                           groups.list());
    return y;
  }

  // --- what follows the logits ---------------------------------------------------------------
  Tensor argmax(const Tensor& logits) override {
    const ProfileSection section(profile_, "argmax");
    check_float32("argmax", logits);
    check_axes("argmax", "logits", logits, 2);
    Tensor ids = allocate({logits.shape()[0]}, DType::kI32, "argmax");
    threads_.parallel_for(length(ids.elements()), [&](std::size_t t) {
      const std::span<const float> row = row_of(logits, t);
      ids_of(ids)[t] = static_cast<std::int32_t>(kernels::argmax(row.data(), row.size()));
    });
    return ids;
  }

  Tensor row_sums(const Tensor& logits) override {
    const ProfileSection section(profile_, "row_sums");
    check_float32("row_sums", logits);
    check_axes("row_sums", "logits", logits, 2);
    Tensor sums = allocate({logits.shape()[0]}, DType::kF32, "row_sums");
    threads_.parallel_for(length(sums.elements()), [&](std::size_t t) {
      const std::span<const float> row = row_of(logits, t);
      floats_of(sums)[t] = static_cast<float>(kernels::sum(row.data(), row.size()));
    });
    return sums;
  }

  std::vector<TopTokens> top_tokens(const Tensor& logits, std::span<const std::int32_t> chosen,
                                    std::size_t n) override {
    const ProfileSection section(profile_, "top_tokens");
    check_top_tokens(logits, chosen);
    std::vector<TopTokens> rows(chosen.size());
    threads_.parallel_for(rows.size(), [&](std::size_t t) {
      rows[t] = find_top_tokens(threads_, row_of(logits, t), chosen[t], n);
    });
    return rows;
  }

  Tensor negative_log_likelihood(const Tensor& logits, const Tensor& targets) override {
    check_float32("negative_log_likelihood", logits);
    check_axes("negative_log_likelihood", "logits", logits, 2);
    check_dtype("negative_log_likelihood", "targets", targets, DType::kI32);
    check_elements("negative_log_likelihood", targets, logits.shape()[0]);
    Tensor nll = allocate({logits.shape()[0]}, DType::kF32, "negative_log_likelihood");
    const std::size_t V = length(logits.shape()[1]);
    for (std::size_t t = 0; t < length(nll.elements()); ++t) {
      const std::int32_t id = ids_of(targets)[t];
      if (id >= 0 && length(id) < V) continue;
      fail_wanted(ErrorKind::kInternal, "negative_log_likelihood", str("ids below ", V), str(id));
    }
    threads_.parallel_for(length(nll.elements()), [&](std::size_t t) {
      const float* const row = floats_of(logits) + t * V;
      const float chosen = row[length(ids_of(targets)[t])];
      // log_sum_exp passes over what is not a number; here it shall be told.
      const double sum = kernels::sum(row, V);
      floats_of(nll)[t] =
          static_cast<float>(std::isnan(sum) ? sum : kernels::log_sum_exp(row, V) - chosen);
    });
    return nll;
  }

  std::unique_ptr<Sampler> sampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
                                   std::span<const std::int32_t> never) override {
    return make_sampler(sampling, seed, V, never);
  }

  using Backend::sample;
  Tensor sample(std::span<Sampler* const> samplers, const Tensor& logits,
                std::span<const AllowedIds> allowed) override {
    const ProfileSection section(profile_, "sample");
    check_float32("sample", logits);
    check_sample(samplers, logits, allowed);
    Tensor ids = allocate({logits.shape()[0]}, DType::kI32, "sample");
    threads_.parallel_for(samplers.size(), [&](std::size_t b) {
      ids_of(ids)[b] = samplers[b] == nullptr
                           ? kNoToken
                           : sample_row(threads_, *samplers[b], row_of(logits, b),
                                        allowed.empty() ? AllowedIds() : allowed[b]);
    });
    return ids;
  }

  Tensor add_gram(Tensor sum, const Tensor& x) override {
    check_float32("add_gram", x);
    const std::size_t K = length(x.shape().last()), T = length(x.shape().rows());
    check_shape("add_gram", "sum", sum, {x.shape().last(), x.shape().last()});
    const Tensor transposed = allocate({x.shape().last(), x.shape()[0]}, DType::kF32, "add_gram");
    threads_.parallel_for(K, [&](std::size_t k) {
      for (std::size_t t = 0; t < T; ++t) {
        floats_of(transposed)[k * T + t] = floats_of(x)[t * K + k];
      }
    });
    return add(std::move(sum), linear(transposed, {transposed, {}, "add_gram"}));
  }

  void start_profile() override { profile_.start(); }
  std::vector<ProfileEntry> stop_profile() override { return profile_.stop(); }

 private:
  static void check_float32(std::string_view op, const Tensor& x) {
    check_dtype(op, "x", x, DType::kF32);
  }

  // Of x [T, N].
  static std::span<const float> row_of(const Tensor& x, std::size_t t) {
    const std::size_t N = length(x.shape()[1]);
    return {floats_of(x) + t * N, N};
  }

  Tensor like(std::string_view op, const Tensor& x) {
    check_float32(op, x);
    return allocate(x.shape(), DType::kF32, op);
  }

  // x itself where nobody else holds it, else a new tensor of its shape. For ops that get x by
  // value, and read each element before they write it.
  Tensor in_place_of(std::string_view op, const Tensor& x) {
    return x.is_shared() ? like(op, x) : x;
  }

  // Float types as float32.
  Tensor as_float32(const Tensor& x) {
    if (x.dtype() == DType::kF32) return x;
    Tensor y = allocate(x.shape(), DType::kF32, "weights");
    floats_from(data_of(x), x.dtype(), length(x.elements()), floats_of(y));
    return y;
  }

  // T tokens through the cell: h [T, NH * DHV].
  Tensor run_cell(const CellColumns& in, std::int64_t T, const MlstmMixerSpec& s,
                  LayerState state) {
    Tensor h = allocate({T, s.NH * s.DHV}, DType::kF32, "mlstm_cell");
    cell_.run(threads_, in, T, s, state, floats_of(h));
    return h;
  }

  ThreadPool threads_;
  std::shared_ptr<Workspace> workspace_;
  Profile profile_;
  MlstmCell cell_;
};

}  // namespace

std::unique_ptr<Backend> make_backend(std::size_t threads, std::shared_ptr<Group> group) {
  kernels::simd_cap();  // tells of a wrong XLSTM_SIMD
  return std::make_unique<CpuBackend>(threads, std::move(group));
}

}  // namespace xlstm::cpu
