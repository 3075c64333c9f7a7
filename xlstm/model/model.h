// A model that reads tokens: (tokens, states) -> (logits, states).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "xlstm/backend/backend.h"
#include "xlstm/model/loaded_plan.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"
#include "xlstm/wiring/quantization_recipe.h"

namespace xlstm {

// Whose logits are wanted: of all tokens, or of the last one of each sequence.
enum class Positions { kAll, kLast };

// Of each sequence a multiple of so many tokens is read at once: whole chunks of the mLSTM's
// chunkwise form. How many of all sequences together, Backend::segment_tokens() says.
inline constexpr std::int64_t kSegmentMultiple = 64;

class Model {
 public:
  // Reads every weight once, into memory of `backend`, which the model then owns with whoever else
  // holds it.
  static Model load(const Plan& plan, const TensorSource& source, std::shared_ptr<Backend> backend,
                    const LoadOptions& options = {});

  // Reads `tokens` [B, S] int32, ids in [0, V) (checked by the caller: they may not be computed
  // yet), B = states.rows(). Returns logits [B * S, V] or, for kLast, [B, V]; float32, soft-capped.
  // If it throws, `states` is lost: whoever needs the states keeps copies.
  Tensor forward(const Tensor& tokens, StateBatch& states,
                 Positions positions = Positions::kLast) const;

  // The same for rows of unequal lengths: reads pieces[row], each of at least one id in [0, V), and
  // returns the logits [B, V] after each, B = states.rows(). Only where takes_unequal_lengths().
  Tensor forward_unequal(std::span<const std::span<const std::int32_t>> pieces,
                         StateBatch& states) const;
  bool takes_unequal_lengths() const;
  // Backend::row_limits() of all of the model's matrices together.
  std::span<const std::int64_t> row_limits() const;

  // Reads ids [B, S], S >= 1, row-major, in segments, so that memory does not grow with S. Returns
  // the last position's logits [B, V]; the states of all but the last segment are computed. Between
  // segments it calls on_segment with the number of positions done; if that returns false it stops
  // there, and the result is that of the tokens read so far.
  Tensor prefill(std::span<const std::int32_t> ids, StateBatch& states,
                 const std::function<bool(std::int64_t done)>& on_segment = {}) const;

  State initial_state() const;  // as the plan's layers declare it
  // `rows` sequences at their starts.
  std::unique_ptr<StateBatch> initial_states(std::size_t rows = 1) const;
  // One sequence that is somewhere.
  std::unique_ptr<StateBatch> states_of(State state) const;

  Backend& backend() const;
  const Plan& plan() const;
  DType dtype() const;                    // of weights
  std::uint64_t weight_bytes() const;     // in memory
  std::uint64_t bytes_per_token() const;  // weights and state moved by one decode step, batch 1
  // Hex; of weights, sizes and constants. Of a divided model, that of the whole: all ranks ask
  // together, and the first time rank 0 reads all weights.
  std::string fingerprint() const;
  // What tells models apart, for people: "name", "sizes", "constants", "weights".
  std::map<std::string, std::string> description() const;

 private:
  struct Impl;
  explicit Model(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;  // immutable: copies are cheap
};

// Waits until a state is computed, so that any thread may use it.
void evaluate(Backend& backend, const State& state);

std::string_view compute_name(DType dtype);  // "float32", "bfloat16"

// Closed-form estimate, in bytes, of what running a plan on a backend takes: prefill and steps of a
// batch, kernels' own memory included.
struct MemoryEstimate {
  std::uint64_t weights = 0, state = 0, workspace = 0;
  std::uint64_t total() const { return weights + state + workspace; }
};
MemoryEstimate estimate_memory(const Plan& plan, Backend& backend, DType dtype, int batch = 1,
                               const std::optional<QuantizationRecipe>& quantization = {});

}  // namespace xlstm
