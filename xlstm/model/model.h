// The xLSTM-large model: (tokens, state) -> (logits, state).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "mlx/array.h"
#include "mlx/device.h"
#include "xlstm/model/state.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"
#include "xlstm/wiring/quantization_recipe.h"

namespace xlstm {

enum class ComputeDtype { kFloat32, kBfloat16 };
std::string_view name_of(ComputeDtype dtype);  // "float32", "bfloat16"

struct LoadOptions {
  ComputeDtype dtype = ComputeDtype::kFloat32;  // of weights; activations are float32 on the CPU
  std::function<void(double)> on_progress;      // share of bytes loaded, 0 to 1
  std::optional<QuantizationRecipe> quantization =
      {};  // of what the file does not hold quantised already
};

enum class Positions { kAll, kLast };

struct ForwardResult {
  mlx::core::array logits;  // [B, S, V] or, for kLast, [B, 1, V]; float32, soft-capped
  ModelState state;         // after the last token
};

class Model {
 public:
  // Reads every weight once. On a GPU it first asks MLX for products in real float32
  // (ops/gpu_products.h).
  static Model load(const Plan& plan, const TensorSource& source, const LoadOptions& options = {});

  // `tokens` [B, S] int32, S >= 0, ids in [0, V) (checked by the caller: they may not be computed
  // yet). Lazy, but on the CPU in the scope of an ops::AtOnce: nothing runs before the results are
  // evaluated. Works in place in a state that was moved in and has no other owner.
  ForwardResult forward(const mlx::core::array& tokens, ModelState state,
                        Positions positions = Positions::kLast) const;

  // Reads `tokens` [B, S], S >= 1, in segments, so that memory does not grow with S. Returns the
  // last position's logits [B, 1, V]; all but the last segment are evaluated. Between segments it
  // calls on_segment with the number of positions done; if that returns false it stops there, and
  // the result is that of the tokens read so far.
  ForwardResult prefill(const mlx::core::array& tokens, ModelState state,
                        const std::function<bool(std::int64_t done)>& on_segment = {}) const;

  ModelState initial_state(int batch = 1) const;  // zeros

  const Plan& plan() const;
  ComputeDtype dtype() const;
  std::uint64_t weight_bytes() const;     // in memory
  std::uint64_t bytes_per_token() const;  // weights and state moved by one decode step, batch 1
  std::string fingerprint() const;        // hex; of weights, sizes and constants
  // What tells models apart, for people: "name", "sizes", "constants", "weights".
  std::map<std::string, std::string> description() const;

 private:
  struct Impl;
  explicit Model(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;  // immutable: copies are cheap
};

// Closed-form estimate, in bytes, of what running a plan on a device takes: prefill and steps of a
// batch, kernels' own memory for thread_count() threads included.
struct MemoryEstimate {
  std::uint64_t weights = 0, state = 0, workspace = 0;
  std::uint64_t total() const { return weights + state + workspace; }
};
MemoryEstimate estimate_memory(const Plan& plan, ComputeDtype dtype, int batch = 1,
                               const std::optional<QuantizationRecipe>& quantization = {},
                               const mlx::core::Device& device = mlx::core::default_device());

}  // namespace xlstm
