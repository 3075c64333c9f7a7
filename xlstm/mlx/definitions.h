// The ops in plain MLX, on any device: they read like the formulas and are what fused kernels are
// tested against.
#pragma once

#include <optional>

#include "xlstm/base/activation.h"
#include "xlstm/mlx/device_array.h"

namespace xlstm::mlx {

// x / sqrt(mean(x^2) + eps) * weight, statistics in float32, rounded to x's type before the weight
// is applied. x: [..., D]; weight: [D] of x's type.
DeviceArray rms_norm(A x, A weight, float eps);

// Layer norm of each head (mean subtracted, biased variance, float32 statistics), rounded to
// weight's type before that is applied. h: [T, NH * DHV]; weight: [NH * DHV].
DeviceArray head_norm(A h, A weight, int NH, float eps);

DeviceArray soft_cap(A z, std::optional<float> cap);  // cap * tanh(z / cap)
DeviceArray log_sigmoid(A z);                         // min(z, 0) - log1p(exp(-|z|))
DeviceArray swiglu(A gate_up);                        // [T, 2 * F] -> [T, F]

// Of any type, computed in float32 and rounded to x's.
DeviceArray activate(A x, Activation f);

// Group g of y [T, G * O] = W[g] (head g mod H of x), x [T, H * I], W [G, O, I]. Of W's type.
DeviceArray headwise_linear(A x, A W);

// A sequence op's result with the tensors of the state after it.
struct ConvOutput {
  DeviceArray y;       // [B, S, C] float32
  DeviceArray window;  // [B, K - 1, C] float32
};

// y_t[c] = bias[c] + sum_j W[c][j] x_(t-K+1+j)[c], x [B, S, C] after `window` [B, K - 1, C]; W [C,
// K].
ConvOutput causal_conv1d(A x, A W, A bias, A window);

// State of the sLSTM cell, float32, each [B, NH, DH].
struct SlstmArrays {
  DeviceArray y, c, n, m;
};

struct SlstmOutput {
  DeviceArray y;  // [B, S, NH * DH] float32
  SlstmArrays state;
};

// The sLSTM cell token by token, S >= 1 (kernels/slstm_scan/slstm_scan.h has the formulas and their
// source). gates_if, gates_zo: [B, S, 2 * NH * DH]; R [NH, DH, 4 * DH], bias [NH, 4 * DH].
SlstmOutput slstm_scan(A gates_if, A gates_zo, A R, A bias, const SlstmArrays& state);

// State of the mLSTM cell, float32.
struct MlstmArrays {
  DeviceArray C;  // [B, NH, DHQK, DHV]
  DeviceArray n;  // [B, NH, DHQK]
  DeviceArray m;  // [B, NH]
};

struct MlstmOutput {
  DeviceArray h;  // [B, S, NH, DHV] float32
  MlstmArrays state;
};

// Inputs of the cell; q, k, v of any float type, gates float32 and already capped.
struct MlstmInput {
  DeviceArray q;  // [B, S, NH, DHQK]
  DeviceArray k;  // [B, S, NH, DHQK]
  DeviceArray v;  // [B, S, NH, DHV]
  DeviceArray i;  // [B, S, NH]
  DeviceArray f;  // [B, S, NH]
};

// One token, S = 1 (kernels/mlstm_step/mlstm_step.h has the formulas and their source).
MlstmOutput mlstm_step(const MlstmInput& in, const MlstmArrays& state, float eps);

// The chunkwise form (Beck et al. 2025, arXiv:2503.14376): within a chunk as a masked product,
// between chunks through the state. Any S >= 1 and chunk >= 1; the last chunk may be shorter.
inline constexpr int kChunk = 64;
MlstmOutput mlstm_chunk(const MlstmInput& in, const MlstmArrays& state, float eps,
                        int chunk = kChunk);

}  // namespace xlstm::mlx
