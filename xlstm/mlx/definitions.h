// The ops in plain MLX, on any device: they read like the formulas and are what fused kernels are
// tested against.
#pragma once

#include <optional>

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
