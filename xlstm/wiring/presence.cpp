#include "xlstm/wiring/presence.h"

#include <string>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::size_t kNone = TensorSource::npos;

bool has_outer(const SortedTensors& tensors, NodeKind node, std::string_view name) {
  const RowList& rows = outer_rows();
  for (std::size_t slot = 0; slot < rows.slots().size(); ++slot) {
    const SlotRow& row = rows.slots()[slot];
    if (row.node == node && row.name == name) return tensors.outer[rows.first(slot)] != kNone;
  }
  return false;
}

struct Biases {
  std::uint64_t count = 0;
  std::size_t first = kNone;
};

Biases find_biases(const SortedTensors& tensors) {
  const RowList& rows = block_rows();
  Biases out;
  for (const auto& [number, block] : tensors.blocks) {
    for (std::size_t entry = 0; entry < rows.entries().size(); ++entry) {
      const bool optional = rows.slots()[rows.entries()[entry].slot].when == When::kUseBias;
      if (!optional || block.filled[entry] == kNone) continue;
      if (out.count++ == 0) out.first = block.filled[entry];
    }
  }
  return out;
}

bool find_use_bias(const LargeConfig& config, const SortedTensors& tensors,
                   const TensorSource& source, Faults& faults) {
  const Biases biases = find_biases(tensors);
  const bool found = biases.count > 0;
  if (config.use_bias.value_or(found) == found) return found;
  if (found) {
    faults.add([&] {
      return str("use_bias is false, the tensors have ", biases.count, " biases, the first is ",
                 quoted(source.tensors()[biases.first].name));
    });
  } else {
    faults.add([] { return std::string("use_bias is true, the tensors have no biases"); });
  }
  return found;
}

}  // namespace

bool Presence::has(When when) const {
  switch (when) {
    case When::kAlways:
      return true;
    case When::kUseBias:
      return use_bias;
    case When::kHasOutNorm:
      return has_out_norm;
    case When::kHasOutNormBias:
      return out_norm_bias;
    case When::kUntiedHead:
      return !tied_head;
  }
  return true;
}

Presence find_presence(const LargeConfig& config, const SortedTensors& tensors,
                       const TensorSource& source, Faults& faults) {
  const bool norm = has_outer(tensors, NodeKind::kOutNorm, "weight");
  const bool head = has_outer(tensors, NodeKind::kLmHead, "weight");
  // Both gone and the config silent on both: a checkpoint that lost its last file.
  const bool cut_off = !norm && !head && !config.add_out_norm && !config.tie_word_embeddings;

  Presence out;
  out.use_bias = find_use_bias(config, tensors, source, faults);
  out.out_norm_bias = has_outer(tensors, NodeKind::kOutNorm, "bias");
  // A norm that is there is applied: Hugging Face does so whatever add_out_norm says.
  out.has_out_norm = norm || out.out_norm_bias || config.add_out_norm.value_or(cut_off);
  // A head that is there is used even if tie_word_embeddings is true, as Hugging Face does.
  out.tied_head = !head && !cut_off && config.tie_word_embeddings.value_or(true);
  return out;
}

}  // namespace xlstm
