#include "xlstm/mlx/mlx_backend.h"

#include <array>
#include <set>
#include <utility>
#include <variant>

#include "mlx/memory.h"
#include "mlx/stream.h"
#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/mlx/devices.h"
#include "xlstm/mlx/evaluate.h"
#include "xlstm/mlx/float32_products.h"
#include "xlstm/mlx/fused_ops.h"
#include "xlstm/mlx/mlx_tensor.h"
#include "xlstm/mlx/row_attention.h"
#include "xlstm/mlx/sampler.h"
#include "xlstm/mlx/state_batch.h"

namespace xlstm::mlx {
namespace {

const char* mode_of(const Quantization& format) {
  return format.mode == QuantizationMode::kMxfp4 ? "mxfp4" : "affine";
}

mx::Device device_of(DeviceKind kind) {
  return kind == DeviceKind::kGpu ? mx::Device::gpu : mx::Device::cpu;
}

void collect_nodes(const mx::array& a, std::set<const void*>& seen) {
  if (!a.has_primitive() || a.status() == mx::array::Status::available) return;
  if (!seen.insert(&a.primitive()).second) return;
  for (const mx::array& input : a.inputs()) collect_nodes(input, seen);
}

std::vector<mx::array> arrays_of(std::span<const Tensor> tensors) {
  std::vector<mx::array> arrays;
  for (const Tensor& tensor : tensors) {
    if (tensor) arrays.push_back(array_of(tensor));
  }
  return arrays;
}

std::optional<mx::array> optional_array(const Tensor& x) {
  return x ? std::optional(array_of(x)) : std::nullopt;
}

QuantizedArrays quantized_arrays(const QuantizedTensor& W) {
  return {array_of(W.words), array_of(W.scales), optional_array(W.biases), W.format};
}

// Each tensor has its own memory: a device's driver has its own ways.
class MlxWeightMemory final : public WeightMemory {
 public:
  explicit MlxWeightMemory(Backend& backend) : backend_(backend) {}
  Tensor take(const TensorShape& shape, DType dtype, std::string_view where) override {
    return backend_.allocate(shape, dtype, where);
  }

 private:
  Backend& backend_;
};

class MlxBackend final : public Backend {
 public:
  explicit MlxBackend(Options options)
      : device_(device_of(options.device)),
        activation_(mlx_dtype(options.activation_dtype)),
        threads_(options.threads),
        fused_(std::move(options.fused)) {
    if (fused_ == nullptr) {
      fused_ = is_gpu() ? gpu_fused_ops() : std::make_shared<FusedOps>();
    }
  }
  // Nothing may be under way while the process ends and takes MLX's allocator away.
  ~MlxBackend() override { wait(); }

  std::string_view name() const override { return is_gpu() ? "mlx gpu" : "mlx cpu"; }
  DType activation_dtype() const override {
    return activation_ == mx::bfloat16 ? DType::kBF16 : DType::kF32;
  }
  bool is_lazy() const override { return true; }

  // The kernels', or, where there are none, that of the definition.
  std::vector<TuningChoice> tuning_choices() const override {
    std::vector<TuningChoice> choices = fused_->tuning_choices();
    if (choices.empty()) {
      choices.push_back({"chunk", {16, 32, 64, 128, 256}, chunk_, TunedWork::kPrefill});
    }
    return choices;
  }
  void choose(std::string_view name, int value) override {
    Backend::choose(name, value);
    if (fused_->tuning_choices().empty()) {
      chunk_ = value;
    } else {
      fused_->choose(name, value);
    }
  }
  std::string tuned_device() const override {
    return str(name(), " ", device_kind(is_gpu() ? DeviceKind::kGpu : DeviceKind::kCpu), " MLX ",
               version());
  }
  ThreadPool& threads() override { return threads_; }

  // --- memory --------------------------------------------------------------------------------
  Tensor allocate(const TensorShape& shape, DType dtype, std::string_view where) override {
    const std::size_t bytes = static_cast<std::size_t>(shape.elements()) * size_of(dtype);
    mx::allocator::Data data = mlx::allocate(bytes, where);
    return {
        shape, dtype,
        std::make_shared<MlxData>(mx::array(std::move(data), mlx_shape(shape), mlx_dtype(dtype)))};
  }

  std::span<std::byte> writable(Tensor& tensor) override {
    return {data_of(tensor).array.data<std::byte>(), tensor.bytes()};
  }

  std::unique_ptr<WeightMemory> weight_memory(std::uint64_t, std::uint64_t) override {
    return std::make_unique<MlxWeightMemory>(*this);
  }

  Dense prepare(Dense dense) override {
    mx::Dtype type = activation_;
    if (auto* plain = std::get_if<Tensor>(&dense.weight)) {
      type = array_of(*plain).dtype();
      prepare_as(*plain, mx::transpose(array_of(*plain), device_));
    }
    if (dense.bias) {
      dense.bias = computed(cast(dense.bias, type));
      prepare_as(dense.bias, mx::expand_dims(array_of(dense.bias), 0, device_));
    }
    return dense;
  }

  Norm prepare(Norm norm) override {
    return {computed(cast(norm.weight, activation_)),
            norm.bias ? computed(cast(norm.bias, activation_)) : Tensor()};
  }

  Tensor filled(const TensorShape& shape, float value) override {
    return tensor_of(mx::full(mlx_shape(shape), value, mx::float32, device_));
  }

  std::unique_ptr<StateBatch> state_batch() override {
    return std::make_unique<MlxStates>(device_);
  }

  void evaluate(std::span<const Tensor> tensors) override { evaluate_arrays(arrays_of(tensors)); }
  void evaluate_async(std::span<const Tensor> tensors) override {
    mlx::evaluate_async(arrays_of(tensors));
  }
  void synchronize() noexcept override { wait(); }

  std::span<const std::byte> read(const Tensor& tensor) override {
    mx::array& a = data_of(tensor).array;
    evaluate_arrays({a});
    if (a.size() > 0 && !a.flags().row_contiguous) {
      a = mx::contiguous(a, false, device_);
      evaluate_arrays({a});
    }
    return {a.data<std::byte>(), tensor.bytes()};
  }

  BackendMemory memory() const override {
    return {mx::get_active_memory(), mx::get_peak_memory(), mx::get_cache_memory()};
  }

  // MLX's thread lets go of an evaluation's arrays only after eval() has returned.
  void drop_cache() override {
    wait();
    mx::clear_cache();
  }

  std::uint64_t device_memory() const override {
    if (!is_gpu()) return 0;
    const auto& info = mx::device_info(device_);
    for (const char* key : {"memory_size", "total_memory"}) {
      const auto entry = info.find(key);
      if (entry == info.end()) continue;
      if (const std::size_t* bytes = std::get_if<std::size_t>(&entry->second)) return *bytes;
    }
    return 0;
  }

  // --- ops -----------------------------------------------------------------------------------
  Tensor embed(const WeightTensor& W, const Tensor& ids) override {
    check_dtype("embed", "ids", ids, DType::kI32);
    const auto* plain = std::get_if<Tensor>(&W);
    const auto fused = plain != nullptr
                           ? fused_->embed(on_device(*plain), on_device(ids), activation_)
                           : fused_->embed(quantized_arrays(std::get<QuantizedTensor>(W)),
                                           on_device(ids), activation_);
    if (fused) return tensor_of(*fused);
    const mx::array rows = mx::flatten(array_of(ids), device_);
    if (plain != nullptr) {
      return cast(tensor_of(mx::take(array_of(*plain), rows, 0, device_)), activation_);
    }
    const QuantizedArrays q = quantized_arrays(std::get<QuantizedTensor>(W));
    std::optional<mx::array> biases;
    if (q.biases) biases = mx::take(*q.biases, rows, 0, device_);
    return tensor_of(mx::dequantize(
        mx::take(q.words, rows, 0, device_), mx::take(q.scales, rows, 0, device_), biases,
        q.format.group_size, q.format.bits, mode_of(q.format), std::nullopt, activation_, device_));
  }

  Tensor rms_norm(const Tensor& x, const Norm& norm, float eps) override {
    check_axes("rms_norm", "x", x, 2);
    check_shape("rms_norm", "weight", norm.weight, {x.shape()[1]});
    const DeviceArray a = on_device(x), weight = on_device(norm.weight);
    const std::optional<mx::array> fused = fused_->rms_norm(a, weight, eps);
    const DeviceArray y = fused ? DeviceArray{*fused, device_} : mlx::rms_norm(a, weight, eps);
    return with_bias(y, norm.bias);
  }

  Tensor linear(const Tensor& x, const Dense& dense) override {
    check_axes("linear", "x", x, 2);
    if (const auto* quantized = std::get_if<QuantizedTensor>(&dense.weight)) {
      return quantized_linear(x, *quantized, dense.bias);
    }
    const auto& plain = std::get<Tensor>(dense.weight);
    check_shape("linear", "W", plain, {plain.shape()[0], x.shape()[1]});
    const mx::array W = prepared(plain), a = mx::astype(array_of(x), W.dtype(), device_);
    if (!dense.bias) return cast(tensor_of(mx::matmul(a, W, device_)), x.dtype());
    const mx::array y = mx::addmm(prepared(dense.bias), a, W, 1.0F, 1.0F, device_);
    return cast(tensor_of(y), x.dtype());
  }

  Tensor swiglu(const Tensor& gate_up) override {
    check_axes("swiglu", "gate_up", gate_up, 2);
    const DeviceArray a = on_device(gate_up);
    const std::optional<mx::array> fused = fused_->gated(a, Activation::kSilu);
    return tensor_of(fused ? *fused : mlx::swiglu(a).array);
  }

  Tensor gated(const Tensor& gate_up, Activation f) override {
    if (f == Activation::kSilu) return swiglu(gate_up);
    check_axes("gated", "gate_up", gate_up, 2);
    const std::optional<mx::array> fused = fused_->gated(on_device(gate_up), f);
    return fused ? tensor_of(*fused) : Backend::gated(gate_up, f);
  }

  // One node, which rounds once, where a matrix is plain.
  Tensor linear_add(const Tensor& x, const Dense& dense, Tensor y) override {
    const auto* plain = std::get_if<Tensor>(&dense.weight);
    if (plain == nullptr || dense.bias || !y || prepared(*plain).dtype() != array_of(y).dtype()) {
      return Backend::linear_add(x, dense, std::move(y));
    }
    check_axes("linear_add", "x", x, 2);
    check_shape("linear_add", "W", *plain, {plain->shape()[0], x.shape()[1]});
    check_shape("linear_add", "y", y, {x.shape()[0], plain->shape()[0]});
    const mx::array& W = prepared(*plain);
    const mx::array a = mx::astype(array_of(x), W.dtype(), device_);
    return tensor_of(mx::addmm(array_of(y), a, W, 1.0F, 1.0F, device_));
  }

  Tensor add(Tensor x, const Tensor& y) override {
    check_shape("add", "y", y, x.shape());
    return tensor_of((on_device(x) + on_device(y)).array);
  }

  Tensor multiply(Tensor x, const Tensor& y) override {
    if (y.shape() != x.shape()) check_shape("multiply", "y", y, {x.shape().last()});
    return tensor_of((on_device(x) * on_device(y)).array);
  }

  Tensor sigmoid(Tensor x) override { return tensor_of(mlx::sigmoid(on_device(x)).array); }

  Tensor soft_cap(Tensor x, std::optional<float> cap) override {
    if (!cap) return x;
    const std::optional<mx::array> fused = fused_->soft_cap(on_device(x), *cap);
    return tensor_of(fused ? *fused : mlx::soft_cap(on_device(x), cap).array);
  }

  Tensor to_float32(Tensor x) override { return cast(x, mx::float32); }
  Tensor to_activation(Tensor x) override { return cast(x, activation_); }

  Tensor reshape(const Tensor& x, const TensorShape& shape) override {
    check_elements("reshape", x, shape.elements());
    if (x.shape() == shape) return x;
    return tensor_of(mx::reshape(array_of(x), mlx_shape(shape), device_));
  }

  Tensor columns(const Tensor& x, std::int64_t begin, std::int64_t end) override {
    check_axes("columns", "x", x, 2);
    check_range("columns", begin, end, x.shape()[1]);
    return tensor_of(part(on_device(x), 1, static_cast<int>(begin), static_cast<int>(end)).array);
  }

  Tensor tokens(const Tensor& x, std::int64_t B, std::int64_t begin, std::int64_t end) override {
    const DeviceArray a = by_sequence("tokens", x, B);  // [B, S, D]
    const int S = a.axis(1), D = a.axis(2);
    check_range("tokens", begin, end, S);
    if (begin == 0 && end == S) return x;
    const DeviceArray taken = part(a, 1, static_cast<int>(begin), static_cast<int>(end));
    return tensor_of(mlx::reshape(taken, {static_cast<int>(B * (end - begin)), D}).array);
  }

  Tensor join_tokens(std::span<const Tensor> parts, std::int64_t B) override {
    std::vector<mx::array> arrays;
    int T = 0, D = 0;
    for (const Tensor& part : parts) {
      arrays.push_back(by_sequence("join_tokens", part, B).array);
      T += static_cast<int>(part.shape()[0]);
      D = static_cast<int>(part.shape()[1]);
    }
    return tensor_of(mx::reshape(mx::concatenate(arrays, 1, device_), {T, D}, device_));
  }

  Tensor mlstm_cell(const MlstmCellInput& in, const MlstmMixerSpec& s, LayerState state) override {
    check_mlstm_cell(in, s);
    auto& states = static_cast<MlxStates&>(state.batch);
    const int B = static_cast<int>(states.rows()), T = static_cast<int>(in.q.shape()[0]);
    const int NH = static_cast<int>(s.NH), V = static_cast<int>(s.NH * s.DHV);
    if (B == 0 || T % B != 0) {
      fail_wanted(ErrorKind::kInternal, "mlstm_cell", str("tokens of ", B, " sequences"), str(T));
    }
    if (T == 0) return tensor_of(mx::zeros({0, V}, mx::float32, device_));
    const MlstmArrays before = take_state(states, state.first);
    const auto fused = fused_->mlstm_cell(
        {on_device(in.q), on_device(in.k), on_device(in.v), on_device(in.i), on_device(in.f)}, s,
        before);
    if (fused) {
      put_state(states, state.first, fused->state);
      return tensor_of(fused->h);
    }
    const int S = T / B;
    const auto heads = [&](const Tensor& x, std::int64_t width) {
      return mlx::reshape(on_device(x), {B, S, NH, static_cast<int>(width)});
    };
    const auto gate = [&](const Tensor& x) { return mlx::reshape(on_device(x), {B, S, NH}); };
    const MlstmInput input = {heads(in.q, s.DHQK), heads(in.k, s.DHQK), heads(in.v, s.DHV),
                              gate(in.i), gate(in.f)};
    const MlstmOutput out = S == 1 ? mlstm_step(input, before, s.cell_eps)
                                   : mlstm_chunk(input, before, s.cell_eps, chunk_);
    put_state(states, state.first, out.state);
    return tensor_of(mlx::reshape(out.h, {T, V}).array);
  }

  Tensor head_norm(const Tensor& h, const Norm& norm, std::int64_t NH, float eps) override {
    check_axes("head_norm", "h", h, 2);
    check_shape("head_norm", "weight", norm.weight, {h.shape()[1]});
    const DeviceArray x = on_device(h), weight = on_device(norm.weight);
    const int heads = static_cast<int>(NH);
    const auto fused = fused_->head_norm(x, weight, optional_array(norm.bias), heads, eps);
    if (fused) return tensor_of(*fused);
    return with_bias(mlx::head_norm(x, weight, heads, eps), norm.bias);
  }

  Tensor mlstm_mixer(const Tensor& qkvo, Tensor gates, const Norm& norm, const MlstmMixerSpec& spec,
                     LayerState state) override {
    check_mlstm_mixer(qkvo, gates, spec);
    auto& states = static_cast<MlxStates&>(state.batch);
    const MlstmArrays before = peek_state(states, state.first);
    const auto fused =
        fused_->mlstm_mixer(on_device(qkvo), on_device(gates), on_device(norm.weight),
                            optional_array(norm.bias), spec, before);
    if (!fused) return Backend::mlstm_mixer(qkvo, std::move(gates), norm, spec, state);
    put_state(states, state.first, fused->state);
    return tensor_of(fused->h);
  }

  // --- ops between the rows of series ----------------------------------------------------------
  Tensor reverse_tokens(const Tensor& x, std::int64_t B) override {
    check_axes("reverse_tokens", "x", x, 2);
    check_sequences("reverse_tokens", x, B);
    return tensor_of(mlx::reverse_tokens(on_device(x), static_cast<int>(B)).array);
  }

  Tensor row_attention(const Tensor& qkv, const RowAttentionSpec& spec) override {
    check_row_attention(qkv, spec);
    return tensor_of(mlx::row_attention(on_device(qkv), spec).array);
  }

  // --- ops of sLSTM and of first-paper blocks -------------------------------------------------
  Tensor activate(Tensor x, Activation f) override {
    const std::optional<mx::array> fused = fused_->activate(on_device(x), f);
    return tensor_of(fused ? *fused : mlx::activate(on_device(x), f).array);
  }

  Tensor join_columns(std::span<const Tensor> parts) override {
    check_join_columns(parts);
    return tensor_of(join(arrays_of(parts), 1, device_).array);
  }

  Tensor headwise_linear(const Tensor& x, const Headwise& w) override {
    check_headwise(x, w);
    const auto fused =
        fused_->headwise_linear(on_device(x), on_device(w.weight), optional_array(w.bias));
    if (fused) return tensor_of(*fused);
    const Tensor y =
        cast(tensor_of(mlx::headwise_linear(on_device(x), on_device(w.weight)).array), x.dtype());
    return w.bias ? with_bias(on_device(y), cast(w.bias, x.dtype())) : y;
  }

  Tensor causal_conv1d(const Tensor& x, const CausalConv& w, LayerState state) override {
    auto& states = static_cast<MlxStates&>(state.batch);
    const auto B = static_cast<std::int64_t>(states.rows());
    check_causal_conv1d(x, w, B);
    if (x.elements() == 0) return x;
    const DeviceArray before = states.take_array(state.first);
    const std::optional<ConvOutput> fused =
        fused_->causal_conv1d(on_device(x), on_device(w.weight), on_device(w.bias), before);
    const ConvOutput out = fused
                               ? *fused
                               : mlx::causal_conv1d(by_sequence("causal_conv1d", x, B),
                                                    on_device(w.weight), on_device(w.bias), before);
    states.put_array(state.first, out.window.array);
    return cast(reshape(tensor_of(out.y.array), x.shape()), x.dtype());
  }

  Tensor slstm_scan(const Tensor& gates_if, const Tensor& gates_zo, const SlstmWeights& w,
                    LayerState state) override {
    auto& states = static_cast<MlxStates&>(state.batch);
    const auto B = static_cast<std::int64_t>(states.rows());
    check_slstm_scan(gates_if, gates_zo, w, B);
    const TensorShape shape = {gates_if.shape()[0], gates_if.shape()[1] / 2};
    if (shape.elements() == 0) return filled(shape, 0);
    const std::size_t at = state.first;
    const SlstmArrays before = {states.take_array(at), states.take_array(at + 1),
                                states.take_array(at + 2), states.take_array(at + 3)};
    const std::optional<SlstmOutput> fused = fused_->slstm_scan(
        on_device(gates_if), on_device(gates_zo), on_device(w.R), on_device(w.bias), before);
    const SlstmOutput out = fused ? *fused
                                  : mlx::slstm_scan(by_sequence("slstm_scan", gates_if, B),
                                                    by_sequence("slstm_scan", gates_zo, B),
                                                    on_device(w.R), on_device(w.bias), before);
    const std::array<const DeviceArray*, 4> after = {&out.state.y, &out.state.c, &out.state.n,
                                                     &out.state.m};
    for (std::size_t i = 0; i < after.size(); ++i) states.put_array(at + i, after[i]->array);
    return reshape(tensor_of(out.y.array), shape);
  }

  // --- what follows the logits ---------------------------------------------------------------
  Tensor argmax(const Tensor& logits) override {
    check_axes("argmax", "logits", logits, 2);
    return cast(tensor_of(mx::argmax(array_of(logits), -1, false, device_)), mx::int32);
  }

  Tensor row_sums(const Tensor& logits) override {
    check_axes("row_sums", "logits", logits, 2);
    return tensor_of(mx::sum(array_of(logits), -1, false, device_));
  }

  Tensor negative_log_likelihood(const Tensor& logits, const Tensor& targets) override {
    check_axes("negative_log_likelihood", "logits", logits, 2);
    check_elements("negative_log_likelihood", targets, logits.shape()[0]);
    const mx::array& z = array_of(logits);
    const mx::array ids = mx::reshape(array_of(targets), {z.shape(0), 1}, device_);
    const mx::array chosen = mx::squeeze(mx::take_along_axis(z, ids, -1, device_), -1, device_);
    return tensor_of(mx::subtract(mx::logsumexp(z, -1, false, device_), chosen, device_));
  }

  std::unique_ptr<Sampler> sampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
                                   std::span<const std::int32_t> never) override {
    return make_sampler(sampling, seed, V, never, device_);
  }

  using Backend::sample;
  Tensor sample(std::span<Sampler* const> samplers, const Tensor& logits,
                std::span<const AllowedIds> allowed) override {
    check_sample(samplers, logits, allowed);
    const DeviceArray numbers = as_type(on_device(logits), mx::float32);
    return tensor_of(sample_rows(samplers, numbers, allowed, *fused_).array);
  }

  Tensor add_gram(Tensor sum, const Tensor& x) override {
    check_axes("add_gram", "x", x, 2);
    check_shape("add_gram", "sum", sum, {x.shape()[1], x.shape()[1]});
    return tensor_of(mx::addmm(array_of(sum), mx::transpose(array_of(x), device_), array_of(x),
                               1.0F, 1.0F, device_));
  }

  std::uint64_t graph_nodes(std::span<const Tensor> tensors) const override {
    std::set<const void*> seen;
    for (const mx::array& a : arrays_of(tensors)) collect_nodes(a, seen);
    return seen.size();
  }

 private:
  bool is_gpu() const { return device_ == mx::Device::gpu; }

  void wait() noexcept {
    try {
      mx::synchronize(mx::default_stream(device_));
    } catch (...) {  // what failed there is of no interest any more
    }
  }

  static void evaluate_arrays(std::vector<mx::array> arrays) { mlx::evaluate(std::move(arrays)); }

  static Tensor computed(Tensor tensor) {
    evaluate_arrays({array_of(tensor)});
    return tensor;
  }

  static void prepare_as(const Tensor& tensor, mx::array view) {
    evaluate_arrays({view});
    data_of(tensor).prepared = std::move(view);
  }

  static const mx::array& prepared(const Tensor& tensor) {
    const MlxData& data = data_of(tensor);
    if (data.prepared) return *data.prepared;
    fail_wanted(ErrorKind::kInternal, "linear", "weights that prepare() has seen", "others");
  }

  DeviceArray on_device(const Tensor& x) const { return {array_of(x), device_}; }

  Tensor cast(const Tensor& x, mx::Dtype dtype) const {
    if (array_of(x).dtype() == dtype) return x;
    return tensor_of(mx::astype(array_of(x), dtype, device_));
  }
  Tensor cast(const Tensor& x, DType dtype) const { return cast(x, mlx_dtype(dtype)); }

  Tensor with_bias(const DeviceArray& y, const Tensor& bias) const {
    return tensor_of(bias ? (y + on_device(bias)).array : y.array);
  }

  // x [B * S, D] -> [B, S, D]
  DeviceArray by_sequence(std::string_view op, const Tensor& x, std::int64_t B) const {
    const std::int64_t S = check_sequences(op, x, B);
    return mlx::reshape(on_device(x),
                        {static_cast<int>(B), static_cast<int>(S), static_cast<int>(x.shape()[1])});
  }

  Tensor quantized_linear(const Tensor& x, const QuantizedTensor& W, const Tensor& bias) const {
    const std::int64_t K = W.scales.shape().last() * W.format.group_size;
    check_shape("linear", "x", x, {x.shape()[0], K});
    const bool affine = W.format.mode == QuantizationMode::kAffine;
    const QuantizedArrays q = quantized_arrays(W);
    const mx::Dtype dtype = affine ? q.scales.dtype() : array_of(x).dtype();
    const mx::array y =
        mx::quantized_matmul(mx::astype(array_of(x), dtype, device_), q.words, q.scales, q.biases,
                             true, W.format.group_size, W.format.bits, mode_of(W.format), device_);
    const DeviceArray cast_y = {mx::astype(y, mlx_dtype(x.dtype()), device_), device_};
    return bias ? with_bias(cast_y, cast(bias, x.dtype())) : tensor_of(cast_y.array);
  }

  MlstmArrays peek_state(MlxStates& states, std::size_t first) const {
    MlstmArrays arrays = take_state(states, first);
    put_state(states, first, arrays);
    return arrays;
  }

  static MlstmArrays take_state(MlxStates& states, std::size_t first) {
    return {states.take_array(first), states.take_array(first + 1), states.take_array(first + 2)};
  }

  static void put_state(MlxStates& states, std::size_t first, const MlstmArrays& arrays) {
    states.put_array(first, arrays.C.array);
    states.put_array(first + 1, arrays.n.array);
    states.put_array(first + 2, arrays.m.array);
  }

  mx::Device device_;
  mx::Dtype activation_;
  ThreadPool threads_;
  std::shared_ptr<FusedOps> fused_;
  int chunk_ = kChunk;  // of the mLSTM definition
};

}  // namespace

bool has_gpu() {
  return mx::is_available(mx::Device::gpu);
}

bool gpu_may_round_to_tf32() {
  return may_round_to_tf32(mx::Device::gpu);
}

std::unique_ptr<Backend> make_backend(Options options) {
  if (options.device == DeviceKind::kGpu && !has_gpu()) {
    fail_wanted(ErrorKind::kUsage, "device", "a GPU that MLX can use",
                "none: this machine has none, or this MLX was built without support for it");
  }
  ask_for_float32_products(device_of(options.device));
  return std::make_unique<MlxBackend>(std::move(options));
}

}  // namespace xlstm::mlx
