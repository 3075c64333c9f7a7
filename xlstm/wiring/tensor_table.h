// The tensors of an xLSTM-large model as data: canonical name, names in checkpoints, shape, when it
// is there, how it is put together. The checker, the loader and converters read these rows.
// Source: HF transformers' xlstm and the NX-AI package's xlstm_large (docs/architecture.md,
// wiring).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/shape.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

// Widths of a model as tensors show them; 0 while unknown. DQK = NH*DHQK, DV = NH*DHV.
struct Widths {
  std::int64_t V = 0, D = 0, NH = 0, DQK = 0, DV = 0, F = 0;
};

// The length of an axis in terms of widths.
enum class Axis { kV, kD, kNH, kDQK, kDV, kF, k2NH, k2F, kQKVO };
std::string_view text_of(Axis axis);                      // "D", "2*NH", "2*DQK + 2*DV"
std::int64_t length_of(Axis axis, const Widths& widths);  // 0 if a width it needs is unknown
Shape shape_of(const std::vector<Axis>& axes, const Widths& widths);
std::string text_of(const std::vector<Axis>& axes);  // "[DQK, D]"

enum class When { kAlways, kUseBias, kHasOutNorm, kHasOutNormBias, kUntiedHead };

// One tensor in a checkpoint.
struct TensorRow {
  // The first is what a writer uses (Hugging Face's), then the package's where it differs, then
  // aliases. Of tensors inside a block: without the block's prefix.
  std::vector<std::string_view> names;
  std::vector<Axis> axes;
};

// One tensor of ours: the concatenation along axis 0 of `parts`, or `fused` where the checkpoint
// holds them in one already.
struct SlotRow {
  NodeKind node;
  std::string_view name;  // canonical, without the node's name: "qkvo.weight"
  std::vector<Axis> axes;
  When when;
  bool keep_float32;  // gates and norms: float32 whatever the compute dtype
  std::vector<TensorRow> parts;
  std::optional<TensorRow> fused = std::nullopt;
};

// In the order of nodes and, within a node, of canonical names in plan.h.
const std::vector<SlotRow>& outer_slots();  // embedding, out_norm, lm_head
const std::vector<SlotRow>& block_slots();  // mlstm, ffn

// What may stand before a tensor's name: wrappers, any number of them, and a block's prefix, which
// its number and a dot follow.
inline constexpr std::array<std::string_view, 3> kWrapperPrefixes = {"model.", "module.",
                                                                     "_orig_mod."};
inline constexpr std::array<std::string_view, 2> kBlockPrefixes = {"backbone.blocks.", "blocks."};

}  // namespace xlstm
