// The checked plan of a model: what it is made of, which tensors feed it, what it costs. Made from
// config and tensor headers alone, before any weight is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/base/dtype.h"
#include "xlstm/base/quantization.h"
#include "xlstm/base/shape.h"

namespace xlstm {

// Sizes and constants of an xLSTM-large model (the 7B architecture), in the project's alphabet.
struct LargeDims {
  std::int64_t V = 0;     // vocabulary rows
  std::int64_t D = 0;     // model width
  std::int64_t L = 0;     // blocks
  std::int64_t NH = 0;    // heads
  std::int64_t DHQK = 0;  // query/key width of one head
  std::int64_t DHV = 0;   // value width of one head
  std::int64_t F = 0;     // FFN inner width
  bool use_bias = false;  // biases on projections and on norms inside blocks
  bool has_out_norm = true;
  bool out_norm_bias = false;
  bool tied_head = false;    // lm_head weight = embedding weight
  bool norm_float32 = true;  // norm statistics in float32
  float norm_eps = 1e-6F;
  float cell_eps = 1e-6F;  // added outside the max of the cell's denominator
  std::optional<float> gate_soft_cap = 15.0F;
  std::optional<float> output_logit_soft_cap = 30.0F;
  std::int64_t chunk_size = 64;  // advisory: any partition computes the same
};

enum class NodeKind { kEmbedding, kMlstm, kFfn, kOutNorm, kLmHead };
std::string_view name_of(NodeKind kind);  // "embedding", "mlstm", "ffn", "rms_norm", "lm_head"

// How a slot that the checkpoint holds quantised lies there: Slot::sources are its packed words,
// these the scales and biases beside each, in the same order.
struct PackedSlot {
  Quantization format;
  DType scale_type = DType::kBF16;  // of scales and biases; kU8 for mxfp4
  std::vector<std::size_t> scales;
  std::vector<std::size_t> biases;  // empty for mxfp4
};

// One tensor of the model under its canonical name. It is the concatenation, along axis 0, of the
// checkpoint tensors in `sources` (one for a plain tensor; q, k, v, o for `qkvo.weight`, unless the
// checkpoint stores it fused already).
struct Slot {
  std::string name;                  // canonical, e.g. "blocks.3.mlstm.qkvo.weight"
  Shape shape;                       // after concatenation, e.g. [2*NH*DHQK + 2*NH*DHV, D]
  std::vector<std::size_t> sources;  // indices into TensorSource::tensors()
  bool keep_float32 = false;         // gates and norms: float32 whatever the compute dtype
  std::optional<PackedSlot> packed =
      std::nullopt;  // quantised in the checkpoint; `shape` is [N, K]
};

// Canonical names within a node (prefix "blocks.N."):
//   mlstm: norm.weight [D], qkvo.weight [2*NH*DHQK + 2*NH*DHV, D] (rows q, k, v, o-gate),
//          gates.weight [2*NH, D], gates.bias [2*NH] (rows i, f),
//          head_norm.weight [NH*DHV], out.weight [D, NH*DHV]
//   ffn:   norm.weight [D], up.weight [2*F, D] (rows gate, up), down.weight [D, F]
// and with use_bias: norm.bias, qkvo.bias, head_norm.bias, out.bias, up.bias, down.bias.
// Outside blocks: "embedding.weight" [V, D], "out_norm.weight" [D] (and .bias), "lm_head.weight"
// [V, D]. The node of a tied head has no slots.
struct Node {
  std::string name;  // "embedding", "blocks.0.mlstm", "blocks.0.ffn", ..., "out_norm", "lm_head"
  NodeKind kind = NodeKind::kEmbedding;
  std::vector<Slot> slots;
  std::string
      dtype;  // of its weights in the file: "BF16", or "BF16+F32", "4-bit/64+F32" when mixed
  std::uint64_t parameters = 0;
  std::uint64_t bytes = 0;        // of its weights in the file
  std::uint64_t state_bytes = 0;  // recurrent state of one sequence, float32
};

struct Plan {
  std::string family;   // "xlstm-large"
  std::string dialect;  // "hf", "package", with "+fused" where weights are fused
  std::string name;     // the folder's name, for people
  LargeDims dims;
  std::vector<Node> nodes;  // in the order in which data passes
  // As config.json says, else generation_config.json; may be wrong.
  std::optional<std::int64_t> bos_id, pad_id;
  std::vector<std::int64_t> eos_ids;  // all that either names

  std::optional<std::int64_t> eos_id() const;  // the first of eos_ids
  std::uint64_t parameters() const;
  std::uint64_t bytes() const;
  std::uint64_t state_bytes() const;
  std::string dtypes() const;  // of all nodes, in order: "6-bit/64, 4-bit/64+BF16, BF16"

  const Node& node(const std::string& name) const;       // throws Error(kInternal) if absent
  const Slot* find_slot(const std::string& name) const;  // nullptr if absent
};

}  // namespace xlstm
