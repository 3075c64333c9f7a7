// The launches of each op: which text, inputs, outputs, template arguments and grid.
#pragma once

#include <optional>
#include <span>

#include "xlstm/backend/backend.h"
#include "xlstm/mlx/fused_ops.h"
#include "xlstm/mlx/metal/kernel_call.h"
#include "xlstm/mlx/metal/tiles.h"

namespace xlstm::mlx::metal {

struct HeadNorm {                 // or of whole rows
  mx::array weight;               // [NH * DHV]
  std::optional<mx::array> bias;  // alike
};

// What the mLSTM kernels read. T = B * S.
struct MlstmOperands {
  mx::array qkvo;                // [T, 2 * NH * DHQK + 2 * NH * DHV], or without the o-gate
  mx::array gates;               // [T, 2 * NH] float32
  std::optional<HeadNorm> norm;  // none: there is no o-gate, and the result is the cell's h
  MlstmMixerSpec spec;
  MlstmArrays state;

  int B() const { return state.C.axis(0); }
  int S() const { return qkvo.shape(0) / B(); }
  MlstmSizes sizes() const;
};

// S = 1. Outputs: y [B, NH * DHV] of qkvo's type (h: float32), C, n, m.
KernelCall mlstm_step_call(const MlstmOperands& in, const MlstmStepTile& tile);

// S >= 1. Outputs: C, n, m before each chunk, and C, n, m after the last token.
KernelCall mlstm_states_call(const MlstmOperands& in, const MlstmChunkTile& tile);
// Output: y [T, NH * DHV]. `before`: the first three outputs of the states.
KernelCall mlstm_outputs_call(const MlstmOperands& in, std::span<const mx::array> before,
                              const MlstmChunkTile& tile);

// gates_if, gates_zo [B * S, 2 * NH * DH]; R [NH, DH, 4 * DH], bias [NH, 4 * DH] float32. Outputs:
// y [B * S, NH * DH] float32; y, c, n, m.
KernelCall slstm_scan_call(const mx::array& gates_if, const mx::array& gates_zo, const mx::array& R,
                           const mx::array& bias, const SlstmArrays& state, const SlstmTile& tile);

// Rows `ids` of W [V, D]. Output: y [T, D] of this type.
KernelCall embed_call(const mx::array& W, const mx::array& ids, mx::Dtype type);

KernelCall embed_quantized_call(const QuantizedArrays& W, const mx::array& ids, mx::Dtype type);

// gate_up [T, 2 * F]. Output: y [T, F].
KernelCall gated_call(const mx::array& gate_up, Activation f);

// x of any shape and type. Output: as x.
KernelCall soft_cap_call(const mx::array& x, float cap);

// h [T, NH * DHV] of any float type. Output: y alike, of the weight's type.
KernelCall head_norm_call(const mx::array& h, const HeadNorm& norm, int NH, float eps);

// x of any shape and type. Output: as x.
KernelCall activate_call(const mx::array& x, Activation f);

// x [T, H * I], W [G, O, I], bias [G * O]. Output: y [T, G * O] of x's type.
KernelCall headwise_call(const mx::array& x, const mx::array& W,
                         const std::optional<mx::array>& bias, int lanes);

// x [B * S, C], W [C, K], bias [C], window [B, K - 1, C] float32, K > 1. Outputs: y as x; the
// window after it.
KernelCall causal_conv1d_call(const mx::array& x, const mx::array& W, const mx::array& bias,
                              const mx::array& window);

// logits [B, V] float32, `may` [V] bool. Output: ids [B] int32.
KernelCall likeliest_call(const mx::array& logits, const std::optional<mx::array>& may);

}  // namespace xlstm::mlx::metal
