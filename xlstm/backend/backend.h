// What the forward pass is written in: the memory of one device and the ops on it. A recipe
// (xlstm/model/) calls ops in the order of the formulas and is what runs, on every backend: the CPU
// backend (xlstm/cpu/) computes each op when it is called, with kernels on raw memory; the MLX
// backend (xlstm/mlx/) makes it a node of a graph that its device computes later.
//
// A backend is a value: its device, memory, threads and pending work are its own, so that several
// work side by side, each used by one thread at a time: whoever shares one takes turns by
// exclusive().
//
// Shapes: T = B * S tokens, those of a sequence after each other (row b * S + s).
// Errors: Error(kInternal) "[op] wanted ..., got ..." where shapes or types do not fit;
// Error(kMemory) where memory or threads cannot be had. A lazy backend may throw the latter later,
// where results are asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xlstm/backend/device_rates.h"
#include "xlstm/backend/sampling.h"
#include "xlstm/backend/state.h"
#include "xlstm/backend/tensor.h"
#include "xlstm/backend/top_tokens.h"
#include "xlstm/backend/tuning.h"
#include "xlstm/backend/weights.h"
#include "xlstm/base/activation.h"
#include "xlstm/base/profile.h"
#include "xlstm/base/thread_pool.h"
#include "xlstm/group/group.h"

namespace xlstm {

// Memory for weights that are read together at every step.
class WeightMemory {
 public:
  virtual ~WeightMemory() = default;
  // A tensor whose numbers are yet to be written; `where` says what it is for.
  virtual Tensor take(const TensorShape& shape, DType dtype, std::string_view where) = 0;
  // All that was taken is written. A device of its own may take it over now, so that the host never
  // holds a whole model.
  virtual void all_written() {}
};

// Sizes and constants of the mLSTM cell with what surrounds it in a block.
struct MlstmMixerSpec {
  std::int64_t NH = 0, DHQK = 0, DHV = 0;
  float norm_eps = 1e-6F;              // of the norm of each head
  float cell_eps = 1e-6F;              // added outside the max of the cell's denominator
  std::optional<float> gate_soft_cap;  // of both gates' pre-activations
};

// Inputs of the mLSTM cell; gates are float32 pre-activations, already capped.
struct MlstmCellInput {
  Tensor q;  // [T, NH * DHQK]
  Tensor k;  // [T, NH * DHQK]
  Tensor v;  // [T, NH * DHV]
  Tensor i;  // [T, NH]
  Tensor f;  // [T, NH]
};

// Which rows attend to which: those of the same group, but covariates not to targets.
struct RowAttentionSpec {
  std::int64_t NA = 0;                  // heads
  std::optional<float> qk_norm_eps;     // of the norm of each head's queries and keys; none: none
  std::vector<std::int32_t> group;      // [R]: of each row, from 0 on
  std::vector<std::uint8_t> is_target;  // [R]
};

struct BackendMemory {
  std::uint64_t active = 0;  // bytes held by tensors
  std::uint64_t peak = 0;    // the highest value of that
  std::uint64_t cache = 0;   // bytes kept for tensors to come
};

// Tokens that are read at once where a backend does not say otherwise: Backend::segment_tokens().
inline constexpr std::int64_t kSegmentTokens = 512;

class Backend {
 public:
  // `group`: the ranks that compute a model together, this one's handle; null: it computes alone.
  explicit Backend(std::shared_ptr<Group> group = {}) : group_(std::move(group)) {}
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // The backend for the calling thread alone, for as long as it holds this. May be nested.
  [[nodiscard]] std::unique_lock<std::recursive_mutex> exclusive() {
    return std::unique_lock(mutex_);
  }

  // --- the device ----------------------------------------------------------------------------
  virtual std::string_view name() const = 0;   // "cpu", "mlx cpu", "mlx gpu"
  virtual DType activation_dtype() const = 0;  // of the residual stream: kF32 or kBF16
  // Whether ops are computed later than they are called. Then a step is best queued before the
  // token of the last one is read, so that the device never waits for the host.
  virtual bool is_lazy() const = 0;
  // Tokens of all sequences together that are best read at once: enough to keep products busy, few
  // enough for the activations to stay small beside the weights.
  virtual std::int64_t segment_tokens() const { return kSegmentTokens; }
  // What `xlstm bench --tune` measures on this device; none: nothing is left to choose. And a
  // choice of it, for what is called from now on. Throws Error(kUsage) where `value` is none of its
  // values.
  virtual std::vector<TuningChoice> tuning_choices() const { return {}; }
  virtual void choose(std::string_view name, int value);
  // What choices are kept by: the same for devices of one kind. Empty where there are none.
  virtual std::string tuned_device() const { return {}; }
  virtual ThreadPool& threads() = 0;  // of the host: kernels, quantisation while loading
  // Whether the ops that move states take rows of unequal lengths (StateBatch::lengths()).
  virtual bool takes_unequal_lengths() const { return false; }
  // Numbers of rows x [T, K] up to which one kernel multiplies them, rising: between two of these,
  // as below the first and above the last, a row's product does not depend on the rows beside it,
  // to the bit. None: nothing is promised.
  virtual std::vector<std::int64_t> row_limits(const Dense& /*dense*/) const { return {}; }

  // --- memory --------------------------------------------------------------------------------
  // A tensor whose numbers are yet to be written, by way of writable().
  virtual Tensor allocate(const TensorShape& shape, DType dtype, std::string_view where) = 0;
  // The bytes of a tensor of allocate() or WeightMemory that no op has seen yet.
  virtual std::span<std::byte> writable(Tensor& tensor) = 0;
  // For `bytes` in `tensors` tensors; what turns out not to fit gets memory of its own.
  virtual std::unique_ptr<WeightMemory> weight_memory(std::uint64_t bytes,
                                                      std::uint64_t tensors) = 0;
  // Weights as ops take them: called once, after the numbers were written.
  virtual Dense prepare(Dense weights) = 0;
  virtual Norm prepare(Norm weights) = 0;
  virtual Headwise prepare(Headwise weights) { return weights; }
  virtual CausalConv prepare(CausalConv weights) { return weights; }
  virtual SlstmWeights prepare(SlstmWeights weights) { return weights; }

  virtual Tensor filled(const TensorShape& shape, float value) = 0;  // float32
  Tensor floats(const TensorShape& shape, std::span<const float> values);
  Tensor ids(const TensorShape& shape, std::span<const std::int32_t> values);

  virtual std::unique_ptr<StateBatch> state_batch() = 0;  // of no rows

  // Computes these, and waits for them.
  virtual void evaluate(std::span<const Tensor> tensors) = 0;
  // Begins to compute these, where the backend is lazy.
  virtual void evaluate_async(std::span<const Tensor> tensors) = 0;
  // Waits for all that is under way, whatever becomes of it.
  virtual void synchronize() noexcept = 0;
  // The numbers of a tensor, row-major; evaluates it. They live as long as a copy of the tensor.
  virtual std::span<const std::byte> read(const Tensor& tensor) = 0;
  std::span<const float> read_floats(const Tensor& tensor);      // of a float32 tensor
  std::span<const std::int32_t> read_ids(const Tensor& tensor);  // of an int32 tensor

  virtual BackendMemory memory() const = 0;
  virtual void drop_cache() = 0;
  virtual std::uint64_t device_memory() const = 0;  // bytes of a device of its own; 0: the host's

  // --- ops -----------------------------------------------------------------------------------
  // Rows `ids` [B, S] int32 of W [V, D] -> [T, D].
  virtual Tensor embed(const WeightTensor& W, const Tensor& ids) = 0;
  // y = x / sqrt(mean(x^2) + eps) * weight (+ bias), statistics in float32. x, y: [T, D].
  virtual Tensor rms_norm(const Tensor& x, const Norm& norm, float eps) = 0;
  // y = x W^T (+ bias). x: [T, K] -> [T, N], of x's type.
  virtual Tensor linear(const Tensor& x, const Dense& dense) = 0;
  // SiLU(gate) * up, of [T, 2 * F], rows gate, up -> [T, F].
  virtual Tensor swiglu(const Tensor& gate_up) = 0;
  virtual Tensor add(Tensor x, const Tensor& y) = 0;       // x + y
  virtual Tensor multiply(Tensor x, const Tensor& y) = 0;  // x * y; y as x, or [D] for every row
  virtual Tensor sigmoid(Tensor x) = 0;
  virtual Tensor soft_cap(Tensor x, std::optional<float> cap) = 0;  // cap * tanh(x / cap)
  virtual Tensor to_float32(Tensor x) = 0;
  virtual Tensor to_activation(Tensor x) = 0;  // float32 -> activation_dtype()
  // The same numbers in another shape of as many.
  virtual Tensor reshape(const Tensor& x, const TensorShape& shape) = 0;
  // Columns [begin, end) of x [T, N].
  virtual Tensor columns(const Tensor& x, std::int64_t begin, std::int64_t end) = 0;
  // Tokens [begin, end) of each of B sequences, x [B * S, D] -> [B * (end - begin), D].
  virtual Tensor tokens(const Tensor& x, std::int64_t B, std::int64_t begin, std::int64_t end) = 0;
  // The other way: the tokens of all parts, each [B * its own S, D], sequence by sequence.
  virtual Tensor join_tokens(std::span<const Tensor> parts, std::int64_t B) = 0;

  // S tokens of each sequence through the mLSTM cell (kernels/mlstm_step/mlstm_step.h has the
  // formulas): one token by the step, more in chunks, whatever their number. Result h
  // [T, NH * DHV] float32. `state`: C [NH, DHQK, DHV], n [NH, DHQK], m [NH], moved on by S tokens.
  virtual Tensor mlstm_cell(const MlstmCellInput& in, const MlstmMixerSpec& spec,
                            LayerState state) = 0;
  // Layer norm of each head's DHV values, biased variance, float32 statistics.
  // h [T, NH * DHV] float32 -> [T, NH * DHV] in activation_dtype().
  virtual Tensor head_norm(const Tensor& h, const Norm& norm, std::int64_t NH, float eps) = 0;

  // From projections to what the mLSTM layer's last product reads: soft cap of the gates, cell,
  // norm of each head, output gate. qkvo [T, 2 * NH * DHQK + 2 * NH * DHV], rows q, k, v, o-gate;
  // gates [T, 2 * NH] float32, rows i, f -> [T, NH * DHV]. Here by the ops above; a backend with a
  // fused kernel overrides it.
  virtual Tensor mlstm_mixer(const Tensor& qkvo, Tensor gates, const Norm& norm,
                             const MlstmMixerSpec& spec, LayerState state);

  // --- ops of sLSTM and of first-paper blocks -------------------------------------------------
  virtual Tensor activate(Tensor x, Activation f) = 0;
  // f(gate) * up, of [T, 2 * F], rows gate, up -> [T, F].
  virtual Tensor gated(const Tensor& gate_up, Activation f);
  // [T, N1], [T, N2], ... -> [T, N1 + N2 + ...].
  virtual Tensor join_columns(std::span<const Tensor> parts) = 0;
  // Block-diagonal products: x [T, H * I] is H heads of I, and group g of y [T, G * O] is
  // W[g] (head g mod H of x) (+ bias), W [G, O, I]; G is a multiple of H. As x's type.
  virtual Tensor headwise_linear(const Tensor& x, const Headwise& weights) = 0;
  // Of each channel c the last K inputs, x_t the last of them:
  // y_t[c] = bias[c] + sum_j W[c][j] x_(t-K+1+j)[c]. x, y: [T, C]. `state`: window [K - 1, C], the
  // inputs before the first of these, moved on by S tokens.
  virtual Tensor causal_conv1d(const Tensor& x, const CausalConv& weights, LayerState state) = 0;
  // S tokens of each sequence through the sLSTM cell (kernels/slstm_scan/slstm_scan.h has the
  // formulas). What the inputs add to the gates' pre-activations: gates_if [T, 2 * NH * DH], all
  // heads' i then all heads' f; gates_zo alike, z then o. Result y [T, NH * DH] float32. `state`:
  // y, c, n, m, each [NH, DH], moved on by S tokens; at the start of a sequence all are 0.
  virtual Tensor slstm_scan(const Tensor& gates_if, const Tensor& gates_zo,
                            const SlstmWeights& weights, LayerState state) = 0;

  // --- ops between the rows of series ----------------------------------------------------------
  // The tokens of each of B sequences in the opposite order, x [B * S, D].
  virtual Tensor reverse_tokens(const Tensor& x, std::int64_t B) = 0;
  // At each token by itself attention across the rows of a group (kernels/row_attention/
  // row_attention.h has the formulas). qkv [R * S, 3 * D], rows of S tokens, columns q, k, v
  // -> [R * S, D].
  virtual Tensor row_attention(const Tensor& qkv, const RowAttentionSpec& spec) = 0;

  // --- ops of several ranks ------------------------------------------------------------------
  Group* group() const { return group_.get(); }  // null: there is but one
  // x on rank 0, elsewhere no tensor of its shape and type: of what one rank alone adds to a sum.
  Tensor on_first_rank(Tensor x) const;
  // The sum over all ranks of x, which has one shape on all of them; the same bits on each. Here by
  // way of the host.
  virtual Tensor all_sum(Tensor x);
  // The columns of all ranks beside each other: x [T, share_of(N)] -> [T, N].
  virtual Tensor all_columns(const Tensor& x, std::int64_t N);

  // --- ops that go together ------------------------------------------------------------------
  // Here by the ops above. A backend with kernels that do several at once overrides them.
  struct MlstmProjections {
    Tensor qkvo;   // [T, 2 * NH * DHQK + 2 * NH * DHV]
    Tensor gates;  // [T, 2 * NH] float32
  };
  // Both products of the normed x [T, D].
  virtual MlstmProjections mlstm_projections(const Tensor& x, const Norm& norm, float eps,
                                             const Dense& qkvo, const Dense& gates);
  // linear(rms_norm(x)), x [T, D] -> [T, N].
  virtual Tensor norm_linear(const Tensor& x, const Norm& norm, float eps, const Dense& dense);
  // swiglu(linear(rms_norm(x))), x [T, D], up [2 * F, D] -> [T, F].
  virtual Tensor norm_swiglu(const Tensor& x, const Norm& norm, float eps, const Dense& up);
  // y + linear(x), x [T, K], y [T, N] or no tensor (on_first_rank()): nothing is added then.
  virtual Tensor linear_add(const Tensor& x, const Dense& dense, Tensor y);

  // y + linear(mlstm_mixer(qkvo, gates)), y [T, D] or no tensor.
  virtual Tensor mlstm_mixer_add(const Tensor& qkvo, Tensor gates, const Norm& norm,
                                 const MlstmMixerSpec& spec, LayerState state, const Dense& out,
                                 Tensor y);

  // run(input), which moves `states` on: for steps that are alike. A backend may keep the ops that
  // run() calls and repeat them in later calls with the same owner, shape of `input` and number of
  // rows, without calling it. `owner` holds all else that run() uses, and never changes it.
  virtual Tensor repeat(const std::shared_ptr<const void>& owner, const Tensor& input,
                        StateBatch& states, const std::function<Tensor(const Tensor&)>& run);

  // --- what follows the logits ---------------------------------------------------------------
  virtual Tensor argmax(const Tensor& logits) = 0;  // [T, V] -> [T] int32; the lowest id of equals
  // The sum of each row, [T, V] -> [T] float32: a number if all of the row's are.
  virtual Tensor row_sums(const Tensor& logits) = 0;
  // -log softmax(logits [T, V])[targets [T]] -> [T] float32, in nats.
  virtual Tensor negative_log_likelihood(const Tensor& logits, const Tensor& targets) = 0;
  // Of each row of logits [T, V] the n likeliest tokens, and the token `chosen` [T] (kNoToken:
  // none), with their log-probabilities. Evaluates the logits. Throws Error(kUsage) for ids outside
  // [0, V). Here in float64 on the host (top_tokens_of()).
  virtual std::vector<TopTokens> top_tokens(const Tensor& logits,
                                            std::span<const std::int32_t> chosen, std::size_t n);

  // For one sequence; `never` are ids that must not be chosen (rows of the vocabulary without a
  // token). Throws as check() does.
  virtual std::unique_ptr<Sampler> sampler(const Sampling& sampling, std::uint64_t seed,
                                           std::int64_t V, std::span<const std::int32_t> never) = 0;
  // The next token of each row: row b of logits [B, V] float32 by samplers[b] -> [B] int32. Each
  // token counts as seen by its sampler. A row's token depends on nothing but its own logits,
  // sampler and allowed[b] (`allowed` itself may be empty: all ids for all rows). It is kNoToken,
  // and its sampler as before, where the logits that may be chosen have a NaN or +inf among them,
  // or nothing but -inf, and where the sampler is null. The samplers are this backend's, all
  // different, for V ids.
  virtual Tensor sample(std::span<Sampler* const> samplers, const Tensor& logits,
                        std::span<const AllowedIds> allowed) = 0;
  Tensor sample(std::span<Sampler* const> samplers, const Tensor& logits) {
    return sample(samplers, logits, {});
  }
  // Of one row [1, V] -> [1].
  Tensor sample(Sampler& sampler, const Tensor& logits, AllowedIds allowed = {});

  // --- for calibration -----------------------------------------------------------------------
  // sum + x^T x of x [T, K] float32: [K, K] float32.
  virtual Tensor add_gram(Tensor sum, const Tensor& x) = 0;

  // --- where time goes -----------------------------------------------------------------------
  // Between these, time is added up by op; nothing where ops are computed later.
  virtual void start_profile() {}
  virtual std::vector<ProfileEntry> stop_profile() { return {}; }  // the costliest first
  // What the device can do right now, for whoever measures speed on it; none where that is what the
  // host's processor and memory can do. Takes some 30 ms, and memory of the device meanwhile.
  virtual std::optional<DeviceRates> device_rates() { return std::nullopt; }
  // GB/s of a copy within the device's memory alone, in some 5 ms; 0 where device_rates() has none.
  virtual double device_copy_rate() { return 0; }
  // Nodes of the graph behind these tensors that are not computed yet; 0 where there is no graph.
  virtual std::uint64_t graph_nodes(std::span<const Tensor> /*tensors*/) const { return 0; }

 private:
  std::shared_ptr<Group> group_;
  std::recursive_mutex mutex_;
};

}  // namespace xlstm
