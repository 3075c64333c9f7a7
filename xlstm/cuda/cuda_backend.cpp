#include "xlstm/cuda/cuda_backend.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>
#include <variant>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/cuda/causal_conv.h"
#include "xlstm/cuda/device_probe.h"
#include "xlstm/cuda/headwise.h"
#include "xlstm/cuda/linear.h"
#include "xlstm/cuda/mlstm.h"
#include "xlstm/cuda/norms.h"
#include "xlstm/cuda/ranks.h"
#include "xlstm/cuda/recordings.h"
#include "xlstm/cuda/row_attention.h"
#include "xlstm/cuda/sampler.h"
#include "xlstm/cuda/slstm.h"
#include "xlstm/cuda/state_batch.h"
#include "xlstm/cuda/type_names.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {
namespace {

// Weights stay where they were first written, each in memory of its own size.
class CudaWeightMemory final : public WeightMemory {
 public:
  explicit CudaWeightMemory(std::shared_ptr<Workspace> work) : work_(std::move(work)) {}

  Tensor take(const TensorShape& shape, DType dtype, std::string_view where) override {
    taken_.push_back(work_->allocate_for_long(shape, dtype, where));
    return taken_.back();
  }
  void all_written() override {
    for (const Tensor& tensor : taken_) work_->at(tensor);
    taken_.clear();
  }

 private:
  std::shared_ptr<Workspace> work_;
  std::vector<Tensor> taken_;
};

class CudaBackend final : public Backend {
 public:
  CudaBackend(DType activation, std::size_t threads, const std::shared_ptr<Group>& group)
      : Backend(group),
        activation_(activation),
        threads_(threads),
        work_(std::make_shared<Workspace>(device_for(group.get()))),
        ranks_(Ranks::connect(*work_, group)),
        recordings_(*work_),
        linear_(*work_),
        mlstm_(*work_) {}
  ~CudaBackend() override { synchronize(); }

  std::string_view name() const override { return "cuda"; }
  DType activation_dtype() const override { return activation_; }
  bool is_lazy() const override { return true; }
  std::int64_t segment_tokens() const override { return 2048; }
  ThreadPool& threads() override { return threads_; }

  // --- memory --------------------------------------------------------------------------------
  Tensor allocate(const TensorShape& shape, DType dtype, std::string_view where) override {
    work_->device().use();
    return work_->allocate(shape, dtype, where);
  }
  std::span<std::byte> writable(Tensor& tensor) override { return work_->writable(tensor); }
  std::unique_ptr<WeightMemory> weight_memory(std::uint64_t, std::uint64_t) override {
    return std::make_unique<CudaWeightMemory>(work_);
  }

  Dense prepare(Dense dense) override {
    work_->device().use();
    if (dense.bias) dense.bias = to_float32(dense.bias);
    if (const auto* plain = std::get_if<Tensor>(&dense.weight)) work_->at(*plain);
    return dense;
  }
  Norm prepare(Norm norm) override {
    work_->device().use();
    return {to_float32(norm.weight), norm.bias ? to_float32(norm.bias) : Tensor()};
  }
  Headwise prepare(Headwise weights) override {
    if (weights.bias) weights.bias = to_float32(weights.bias);
    work_->at(weights.weight);
    return weights;
  }
  CausalConv prepare(CausalConv weights) override {
    return {to_float32(weights.weight), weights.bias ? to_float32(weights.bias) : Tensor()};
  }
  SlstmWeights prepare(SlstmWeights weights) override {
    weights.bias = to_float32(weights.bias);
    return prepare_slstm(*work_, std::move(weights));
  }

  Tensor filled(const TensorShape& shape, float value) override {
    Tensor tensor = allocate(shape, DType::kF32, "filled");
    if (tensor.elements() == 0) return tensor;
    const Driver& d = work_->device().driver();
    d.check(
        d.cuMemsetD32Async(data_of(tensor).at, std::bit_cast<std::uint32_t>(value),
                           static_cast<std::size_t>(tensor.elements()), work_->device().stream()),
        "memory to be filled");
    return tensor;
  }

  std::unique_ptr<StateBatch> state_batch() override { return std::make_unique<CudaStates>(work_); }

  void evaluate(std::span<const Tensor> tensors) override {
    work_->device().use();
    work_->wait_for(tensors);
  }
  void evaluate_async(std::span<const Tensor> tensors) override {
    work_->device().use();
    work_->begin_reading(tensors);
  }
  void synchronize() noexcept override {
    work_->device().bind();
    work_->device().driver().cuStreamSynchronize(work_->device().stream());
  }
  std::span<const std::byte> read(const Tensor& tensor) override {
    work_->device().use();
    return work_->read(tensor);
  }

  BackendMemory memory() const override { return work_->memory(); }
  std::optional<DeviceRates> device_rates() override {
    return measured_rates(*work_, linear_.library());
  }
  double device_copy_rate() override { return measured_copy(*work_); }
  void drop_cache() override { work_->drop_cache(); }
  std::uint64_t device_memory() const override { return work_->device().memory(); }

  // --- ops -----------------------------------------------------------------------------------
  Tensor embed(const WeightTensor& W, const Tensor& ids) override {
    work_->device().use();
    check_dtype("embed", "ids", ids, DType::kI32);
    const auto* plain = std::get_if<Tensor>(&W);
    const auto* quantized = std::get_if<QuantizedTensor>(&W);
    const TensorShape shape = plain != nullptr ? plain->shape() : shape_of(*quantized);
    const int V = narrow(shape[0]), D = narrow(shape[1]);
    Tensor y = allocate({ids.elements(), shape[1]}, activation_, "embed");
    const Grid grid = {.x = static_cast<unsigned>(ids.elements())};
    if (plain != nullptr) {
      launch("embed", str("embed_", type_name(plain->dtype()), "_", type_name(activation_)), grid,
             work_->pointer(*plain), work_->pointer(ids), work_->to_write(y), V, D);
    } else {
      launch("embed", str("embed_quantized_", type_name(activation_)), grid,
             quantized_args(*work_, *quantized), work_->pointer(ids), work_->to_write(y), V, D);
    }
    return y;
  }

  Tensor rms_norm(const Tensor& x, const Norm& norm, float eps) override {
    check_axes("rms_norm", "x", x, 2);
    check_norm("rms_norm", norm, x.shape()[1]);
    work_->device().use();
    if (linear_.can_norm(x)) return linear_.normed(x, norm, eps);
    Tensor y = like("rms_norm", x);
    if (norms::fits_units(x)) {
      norms::by_units(*work_, x, norm, eps, y);
      return y;
    }
    launch("norms", str("rms_norm_", type_name(x.dtype())), {.x = unsigned_of(x.shape()[0])},
           work_->pointer(x), work_->pointer(norm.weight), work_->pointer(norm.bias),
           work_->to_write(y), narrow(x.shape()[1]), eps);
    return y;
  }

  Tensor linear(const Tensor& x, const Dense& dense) override {
    work_->device().use();
    return linear_.compute({.x = x, .dense = dense});
  }

  Tensor swiglu(const Tensor& gate_up) override {
    check_axes("swiglu", "gate_up", gate_up, 2);
    const std::int64_t F = gate_up.shape()[1] / 2;
    check_shape("swiglu", "gate_up", gate_up, gate_up.shape().with_last(2 * F));
    work_->device().use();
    Tensor y = work_->allocate(gate_up.shape().with_last(F), gate_up.dtype(), "swiglu");
    if (const std::int64_t units = y.elements() / 8;
        y.dtype() == DType::kBF16 && F % 8 == 0 && units <= INT32_MAX) {
      launch("elementwise", "swiglu_units_bf16", {.x = blocks_for(units, 256)},
             work_->pointer(gate_up), work_->to_write(y), narrow(F / 8), narrow(units));
      return y;
    }
    launch("elementwise", str("swiglu_", type_name(y.dtype())),
           {.x = unsigned_of(y.shape()[0]), .y = blocks_for(F, 256)}, work_->pointer(gate_up),
           work_->to_write(y), narrow(F));
    return y;
  }

  Tensor add(Tensor x, const Tensor& y) override {
    check_shape("add", "y", y, x.shape());
    check_dtype("add", "y", y, x.dtype());
    const Tensor out = in_place_of("add", x);
    launch_elements("add_", x, work_->pointer(x), work_->pointer(y), work_->to_write(out),
                    x.elements());
    return out;
  }

  Tensor multiply(Tensor x, const Tensor& y) override {
    check_dtype("multiply", "y", y, x.dtype());
    const bool is_row = y.shape() != x.shape();
    if (is_row) check_shape("multiply", "y", y, {x.shape().last()});
    const Tensor out = in_place_of("multiply", x);
    launch_elements("multiply_", x, work_->pointer(x), work_->pointer(y), work_->to_write(out),
                    x.elements(), is_row ? y.elements() : std::int64_t{0});
    return out;
  }

  Tensor sigmoid(Tensor x) override {
    const Tensor out = in_place_of("sigmoid", x);
    launch_elements("sigmoid_", x, work_->pointer(x), work_->to_write(out), x.elements());
    return out;
  }

  Tensor soft_cap(Tensor x, std::optional<float> cap) override {
    if (!cap) return x;
    const Tensor out = in_place_of("soft_cap", x);
    launch_elements("soft_cap_", x, work_->pointer(x), work_->to_write(out), x.elements(), *cap);
    return out;
  }

  Tensor to_float32(Tensor x) override { return cast(std::move(x), DType::kF32); }
  Tensor to_activation(Tensor x) override { return cast(std::move(x), activation_); }

  Tensor reshape(const Tensor& x, const TensorShape& shape) override {
    check_elements("reshape", x, shape.elements());
    return {shape, x.dtype(), x.data()};
  }

  Tensor columns(const Tensor& x, std::int64_t begin, std::int64_t end) override {
    check_axes("columns", "x", x, 2);
    check_range("columns", begin, end, x.shape()[1]);
    Tensor y = allocate(x.shape().with_last(end - begin), x.dtype(), "columns");
    work_->copy_rows(y, 0, x, begin, x.shape()[0], end - begin, end - begin, x.shape()[1]);
    return y;
  }

  Tensor tokens(const Tensor& x, std::int64_t B, std::int64_t begin, std::int64_t end) override {
    const std::int64_t S = check_sequences("tokens", x, B), D = x.shape()[1];
    check_range("tokens", begin, end, S);
    if (begin == 0 && end == S) return x;
    Tensor y = allocate({B * (end - begin), D}, x.dtype(), "tokens");
    work_->copy_rows(y, 0, x, begin * D, B, (end - begin) * D, (end - begin) * D, S * D);
    return y;
  }

  Tensor join_tokens(std::span<const Tensor> parts, std::int64_t B) override {
    std::int64_t T = 0;
    for (const Tensor& part : parts) {
      check_sequences("join_tokens", part, B);
      T += part.shape()[0];
    }
    if (parts.empty()) return allocate({0, 0}, activation_, "join_tokens");
    const std::int64_t D = parts.front().shape()[1];
    Tensor y = allocate({T, D}, parts.front().dtype(), "join_tokens");
    std::int64_t at = 0;
    for (const Tensor& part : parts) {
      const std::int64_t width = part.elements() / B;
      work_->copy_rows(y, at, part, 0, B, width, T / B * D, width);
      at += width;
    }
    return y;
  }

  Tensor activate(Tensor x, Activation f) override {
    const Tensor out = in_place_of("activate", x);
    launch_elements("activate_", x, work_->pointer(x), work_->to_write(out), x.elements(),
                    static_cast<int>(f));
    return out;
  }

  Tensor gated(const Tensor& gate_up, Activation f) override {
    if (f == Activation::kSilu) return swiglu(gate_up);
    check_axes("gated", "gate_up", gate_up, 2);
    const std::int64_t F = gate_up.shape()[1] / 2;
    check_shape("gated", "gate_up", gate_up, gate_up.shape().with_last(2 * F));
    Tensor y = allocate(gate_up.shape().with_last(F), gate_up.dtype(), "gated");
    launch_elements("gated_", y, work_->pointer(gate_up), work_->to_write(y), narrow(F),
                    y.elements(), static_cast<int>(f));
    return y;
  }

  Tensor join_columns(std::span<const Tensor> parts) override {
    check_join_columns(parts);
    const std::int64_t T = parts.front().shape()[0];
    std::int64_t N = 0;
    for (const Tensor& part : parts) N += part.shape()[1];
    Tensor y = allocate({T, N}, parts.front().dtype(), "join_columns");
    std::int64_t at = 0;
    for (const Tensor& part : parts) {
      const std::int64_t width = part.shape()[1];
      work_->copy_rows(y, at, part, 0, T, width, N, width);
      at += width;
    }
    return y;
  }

  Tensor headwise_linear(const Tensor& x, const Headwise& weights) override {
    work_->device().use();
    return cuda::headwise_linear(*work_, x, weights);
  }

  Tensor causal_conv1d(const Tensor& x, const CausalConv& weights, LayerState state) override {
    work_->device().use();
    return cuda::causal_conv1d(*work_, x, weights, state);
  }

  Tensor slstm_scan(const Tensor& gates_if, const Tensor& gates_zo, const SlstmWeights& weights,
                    LayerState state) override {
    work_->device().use();
    return cuda::slstm_scan(*work_, gates_if, gates_zo, weights, state);
  }

  Tensor reverse_tokens(const Tensor& x, std::int64_t B) override {
    check_axes("reverse_tokens", "x", x, 2);
    const std::int64_t S = check_sequences("reverse_tokens", x, B);
    const Tensor y = like("reverse_tokens", x);
    launch_elements("reverse_tokens_", x, work_->pointer(x), work_->to_write(y), S, x.shape()[1],
                    x.elements());
    return y;
  }

  Tensor row_attention(const Tensor& qkv, const RowAttentionSpec& spec) override {
    work_->device().use();
    return cuda::row_attention(*work_, qkv, spec);
  }

  Tensor mlstm_cell(const MlstmCellInput& in, const MlstmMixerSpec& spec,
                    LayerState state) override {
    work_->device().use();
    return mlstm_.cell(in, spec, state);
  }

  Tensor head_norm(const Tensor& h, const Norm& norm, std::int64_t NH, float eps) override {
    check_axes("head_norm", "h", h, 2);
    check_dtype("head_norm", "h", h, DType::kF32);
    check_norm("head_norm", norm, h.shape()[1]);
    work_->device().use();
    return mlstm_.head_norm(h, norm, NH, eps, {}, 0, activation_);
  }

  Tensor mlstm_mixer(const Tensor& qkvo, Tensor gates, const Norm& norm, const MlstmMixerSpec& spec,
                     LayerState state) override {
    check_norm("mlstm_mixer", norm, spec.NH * spec.DHV);
    work_->device().use();
    return mlstm_.mixer(qkvo, gates, norm, spec, state);
  }

  // --- ops of several ranks ------------------------------------------------------------------
  Tensor all_sum(Tensor x) override {
    return ranks_ == nullptr ? x : ranks_->all_sum(std::move(x));
  }
  Tensor all_columns(const Tensor& x, std::int64_t N) override {
    return ranks_ == nullptr ? x : ranks_->all_columns(x, N);
  }

  // --- ops that go together ------------------------------------------------------------------
  MlstmProjections mlstm_projections(const Tensor& x, const Norm& norm, float eps,
                                     const Dense& qkvo, const Dense& gates) override {
    work_->device().use();
    const RowProduct product = {.x = x, .dense = qkvo, .norm = &norm, .eps = eps, .second = &gates};
    check_norm("mlstm_projections", norm, x.shape()[1]);
    Tensor second;
    if (!linear_.is_for_rows(product)) {
      if (linear_.can_norm(x, &gates)) {
        const Tensor a = linear_.normed(x, norm, eps, &gates, &second);
        return {linear(a, qkvo), std::move(second)};
      }
      if (norms::fits_gates(*work_, x, gates)) {
        auto [normed, i_and_f] = norms::with_gates(*work_, x, norm, eps, gates);
        return {linear(normed, qkvo), std::move(i_and_f)};
      }
      return Backend::mlstm_projections(x, norm, eps, qkvo, gates);
    }
    Tensor first = linear_.compute_rows(product, &second);
    return {std::move(first), std::move(second)};
  }

  Tensor norm_linear(const Tensor& x, const Norm& norm, float eps, const Dense& dense) override {
    work_->device().use();
    const RowProduct product = {.x = x, .dense = dense, .norm = &norm, .eps = eps};
    if (!linear_.is_for_rows(product)) return Backend::norm_linear(x, norm, eps, dense);
    check_norm("norm_linear", norm, x.shape()[1]);
    return linear_.compute_rows(product);
  }

  Tensor norm_swiglu(const Tensor& x, const Norm& norm, float eps, const Dense& up) override {
    work_->device().use();
    const RowProduct product = {.x = x, .dense = up, .norm = &norm, .eps = eps, .swiglu = true};
    if (!linear_.is_for_rows(product)) return Backend::norm_swiglu(x, norm, eps, up);
    check_norm("norm_swiglu", norm, x.shape()[1]);
    return linear_.compute_rows(product);
  }

  Tensor linear_add(const Tensor& x, const Dense& dense, Tensor y) override {
    if (!y) return linear(x, dense);
    check_dtype("linear_add", "y", y, x.dtype());
    work_->device().use();
    // In place where nobody else holds y: each number is read just before it is written.
    const bool own = !y.is_shared();
    RowProduct product = {.x = x, .dense = dense, .residual = y};
    if (own) product.result = y;
    y = {};
    return linear_.compute(product);
  }

  Tensor mlstm_mixer_add(const Tensor& qkvo, Tensor gates, const Norm& norm,
                         const MlstmMixerSpec& spec, LayerState state, const Dense& out,
                         Tensor y) override {
    work_->device().use();
    check_norm("mlstm_mixer", norm, spec.NH * spec.DHV);
    const Tensor row({qkvo.shape()[0], spec.NH * spec.DHV}, qkvo.dtype(), nullptr);
    RowProduct product = {.x = row, .dense = out, .residual = y, .NH = spec.NH};
    if (state.batch.rows() != 1 || !linear_.takes_heads(product)) {
      product.residual = {};
      return Backend::mlstm_mixer_add(qkvo, std::move(gates), norm, spec, state, out, std::move(y));
    }
    const bool own = y.data().use_count() == 2;  // y and the residual
    const Tensor h = mlstm_.open_mixer(qkvo, gates, spec, state);
    RowProduct whole = {.x = h,
                        .dense = out,
                        .norm = &norm,
                        .eps = spec.norm_eps,
                        .residual = y,
                        .qkvo = &qkvo,
                        .out_gate_column = 2 * spec.NH * spec.DHQK + spec.NH * spec.DHV,
                        .NH = spec.NH};
    if (own) whole.result = y;
    return linear_.compute_rows(whole);
  }

  Tensor repeat(const std::shared_ptr<const void>& owner, const Tensor& input, StateBatch& states,
                const std::function<Tensor(const Tensor&)>& run) override {
    work_->device().use();
    return recordings_.repeat(owner, input, static_cast<CudaStates&>(states), run);
  }

  // --- what follows the logits ---------------------------------------------------------------
  Tensor argmax(const Tensor& logits) override {
    check_axes("argmax", "logits", logits, 2);
    check_dtype("argmax", "logits", logits, DType::kF32);
    Tensor ids = allocate({logits.shape()[0]}, DType::kI32, "argmax");
    launch("choose", "argmax", {.x = unsigned_of(logits.shape()[0]), .threads = 1024},
           work_->pointer(logits), work_->to_write(ids), narrow(logits.shape()[1]));
    return ids;
  }

  Tensor row_sums(const Tensor& logits) override {
    check_axes("row_sums", "logits", logits, 2);
    check_dtype("row_sums", "logits", logits, DType::kF32);
    Tensor y = allocate({logits.shape()[0]}, DType::kF32, "row_sums");
    launch("choose", "sum_rows", {.x = unsigned_of(logits.shape()[0]), .threads = 1024},
           work_->pointer(logits), work_->to_write(y), narrow(logits.shape()[1]));
    return y;
  }

  Tensor negative_log_likelihood(const Tensor& logits, const Tensor& targets) override {
    constexpr const char* kOp = "negative_log_likelihood";
    check_axes(kOp, "logits", logits, 2);
    check_dtype(kOp, "logits", logits, DType::kF32);
    check_dtype(kOp, "targets", targets, DType::kI32);
    check_elements(kOp, targets, logits.shape()[0]);
    Tensor y = allocate({logits.shape()[0]}, DType::kF32, kOp);
    launch("choose", kOp, {.x = unsigned_of(logits.shape()[0]), .threads = 1024},
           work_->pointer(logits), work_->pointer(targets), work_->to_write(y),
           narrow(logits.shape()[1]));
    return y;
  }

  std::unique_ptr<Sampler> sampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
                                   std::span<const std::int32_t> never) override {
    work_->device().use();
    return make_sampler(work_, sampling, seed, V, never);
  }

  using Backend::sample;
  Tensor sample(std::span<Sampler* const> samplers, const Tensor& logits,
                std::span<const AllowedIds> allowed) override {
    check_dtype("sample", "logits", logits, DType::kF32);
    check_sample(samplers, logits, allowed);
    work_->device().use();
    return sample_rows(*work_, samplers, logits, allowed);
  }

  Tensor add_gram(Tensor sum, const Tensor& x) override {
    check_axes("add_gram", "x", x, 2);
    check_dtype("add_gram", "x", x, DType::kF32);
    const std::int64_t T = x.shape()[0], K = x.shape()[1];
    check_shape("add_gram", "sum", sum, {K, K});
    const Tensor transposed = allocate({K, T}, DType::kF32, "add_gram");
    launch("embed", "transpose_f32", element_grid(x.elements()), work_->pointer(x),
           work_->to_write(transposed), narrow(T), narrow(K));
    return linear_add(transposed, {transposed, {}, "add_gram"}, std::move(sum));
  }

 private:
  static unsigned unsigned_of(std::int64_t size) { return static_cast<unsigned>(size); }

  static Grid element_grid(std::int64_t elements) { return {.x = element_blocks(elements)}; }

  static void check_norm(std::string_view op, const Norm& norm, std::int64_t D) {
    check_shape(op, "weight", norm.weight, {D});
    if (norm.bias) check_shape(op, "bias", norm.bias, {D});
  }

  template <typename... Args>
  void launch(std::string_view file, const std::string& kernel, const Grid& grid,
              const Args&... args) {
    work_->device().use();
    work_->programs().launch(file, kernel, grid, args...);
  }

  // A kernel of elementwise.cu, a thread or less for each element of `shape`.
  template <typename... Args>
  void launch_elements(std::string_view kernel, const Tensor& shape, const Args&... args) {
    launch("elementwise", str(kernel, type_name(shape.dtype())), element_grid(shape.elements()),
           args...);
  }

  Tensor like(std::string_view op, const Tensor& x) { return allocate(x.shape(), x.dtype(), op); }

  // x itself where nobody else holds it, else a new tensor of its shape. For ops that get x by
  // value, and read each element before they write it.
  Tensor in_place_of(std::string_view op, const Tensor& x) {
    return x.is_shared() ? like(op, x) : x;
  }

  Tensor cast(Tensor x, DType dtype) {
    if (x.dtype() == dtype) return x;
    Tensor y = allocate(x.shape(), dtype, "cast");
    launch("elementwise", str("cast_", type_name(x.dtype()), "_", type_name(dtype)),
           element_grid(x.elements()), work_->pointer(x), work_->to_write(y), x.elements());
    return y;
  }

  DType activation_;
  ThreadPool threads_;
  std::shared_ptr<Workspace> work_;
  std::unique_ptr<Ranks> ranks_;  // none: there is but one
  Recordings recordings_;
  Linear linear_;
  Mlstm mlstm_;
};

}  // namespace

bool has_gpu() noexcept {
  return has_device();
}

std::unique_ptr<Backend> make_backend(DType activation_dtype, std::size_t threads,
                                      std::shared_ptr<Group> group) {
  return std::make_unique<CudaBackend>(activation_dtype, threads, group);
}

}  // namespace xlstm::cuda
