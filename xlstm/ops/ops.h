// The model's vocabulary: arrays -> arrays, lazily or at once (at_once.h). Each op checks its
// inputs, then takes the fastest path that the default device has; `*_definition` is the same in
// plain MLX, on any device: it reads like the formula and is what the fast paths are tested
// against.
//
// Errors: xlstm::Error(kInternal) "[op] wanted ..., got ..." when shapes or dtypes do not fit.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "mlx/array.h"
#include "xlstm/base/quantization.h"

namespace xlstm::ops {

namespace mx = mlx::core;

// Whether ops run on the CPU (MLX's default device), where our own kernels take over.
bool on_cpu();

// `a` in another shape of as many elements, none of them left to be found (-1): in the scope of an
// AtOnce a view, if `a` is computed and row-major.
mx::array reshaped(const mx::array& a, mx::Shape shape);

// a [B, V] + row [1, V].
mx::array add_row(const mx::array& a, const mx::array& row);

// y = x W^T (+ bias). x: [..., K]; W: [N, K]; bias: [N]; y: [..., N].
// On the CPU x and y are float32 and W may be float32, bfloat16 or float16; elsewhere y has the
// dtype of x and x is cast to W's for the product.
mx::array linear(const mx::array& x, const mx::array& W,
                 const std::optional<mx::array>& bias = std::nullopt);
mx::array linear_definition(const mx::array& x, const mx::array& W,
                            const std::optional<mx::array>& bias = std::nullopt);

// A quantised W [N, K] (layout: xlstm/base/quantization.h).
struct QuantizedArray {
  mx::array words;                  // [N, K * bits / 32] uint32
  mx::array scales;                 // [N, K / group_size] of a float type, or uint8 for mxfp4
  std::optional<mx::array> biases;  // as scales; none for mxfp4
  Quantization format;
};

// The weights of a dense layer, W [N, K].
using WeightArray = std::variant<mx::array, QuantizedArray>;

// y = x W^T (+ bias) with W [N, K] of either kind; the product itself as above.
mx::array linear(const mx::array& x, const WeightArray& W,
                 const std::optional<mx::array>& bias = std::nullopt);
mx::array linear_definition(const mx::array& x, const WeightArray& W,
                            const std::optional<mx::array>& bias = std::nullopt);

// The parameters of a norm and of a dense layer.
struct Norm {
  mx::array weight;               // [D]
  std::optional<mx::array> bias;  // [D]
};
struct Dense {
  WeightArray weight;             // [N, K]
  std::optional<mx::array> bias;  // [N]
};

// Rows `ids` [...] int32 of W [N, K]: [..., K] in `dtype`.
mx::array take_rows(const WeightArray& W, const mx::array& ids, mx::Dtype dtype);

// y = x / sqrt(mean(x^2) + eps) * weight (+ bias), statistics in float32, rounded to x's dtype
// before the weight is applied. x, y: [..., D]; weight, bias: [D].
mx::array rms_norm(const mx::array& x, const mx::array& weight,
                   const std::optional<mx::array>& bias, float eps);
mx::array rms_norm_definition(const mx::array& x, const mx::array& weight,
                              const std::optional<mx::array>& bias, float eps);

// Layer norm of each head's DHV values (mean subtracted, biased variance, float32 statistics),
// heads concatenated. h: [B, S, NH, DHV]; weight, bias: [NH * DHV]; result: [B, S, NH * DHV] in
// `dtype`.
mx::array head_norm(const mx::array& h, const mx::array& weight,
                    const std::optional<mx::array>& bias, float eps, mx::Dtype dtype);
mx::array head_norm_definition(const mx::array& h, const mx::array& weight,
                               const std::optional<mx::array>& bias, float eps, mx::Dtype dtype);

// cap * tanh(z / cap), or z when there is no cap. In z's dtype.
mx::array soft_cap(const mx::array& z, std::optional<float> cap);
mx::array soft_cap_definition(const mx::array& z, std::optional<float> cap);

// min(z, 0) - log1p(exp(-|z|))
mx::array log_sigmoid(const mx::array& z);

// SiLU(gate) * up for y [..., 2 * F] with rows gate, up: result [..., F].
mx::array swiglu(const mx::array& gate_up);
mx::array swiglu_definition(const mx::array& gate_up);

// State of the mLSTM cell, float32.
struct MlstmState {
  mx::array C;  // [B, NH, DHQK, DHV]
  mx::array n;  // [B, NH, DHQK]
  mx::array m;  // [B, NH]
};

struct MlstmOutput {
  mx::array h;  // [B, S, NH, DHV] float32
  MlstmState state;
};

// Inputs of the mLSTM cell; q, k, v of any float type, gates float32 and already capped.
struct MlstmInput {
  mx::array q;  // [B, S, NH, DHQK]
  mx::array k;  // [B, S, NH, DHQK]
  mx::array v;  // [B, S, NH, DHV]
  mx::array i;  // [B, S, NH]
  mx::array f;  // [B, S, NH]
};

// S tokens through the cell (xlstm/kernels/mlstm_step/mlstm_step.h has the formulas): one token by
// the step, more in chunks. S = 0 gives an empty h and the state as it was.
MlstmOutput mlstm(const MlstmInput& in, const MlstmState& state, float eps);

MlstmOutput mlstm_step(const MlstmInput& in, const MlstmState& state, float eps);  // S = 1
MlstmOutput mlstm_step_definition(const MlstmInput& in, const MlstmState& state, float eps);

// The chunkwise form (spec: Beck et al. 2025, arXiv:2503.14376): within a chunk as a masked
// product, between chunks through the state. Any S >= 1; the definition takes any chunk >= 1, of
// which the last may be shorter.
inline constexpr int kChunk = 64;
MlstmOutput mlstm_chunk(const MlstmInput& in, const MlstmState& state, float eps);
MlstmOutput mlstm_chunk_definition(const MlstmInput& in, const MlstmState& state, float eps,
                                   int chunk = kChunk);

}  // namespace xlstm::ops
