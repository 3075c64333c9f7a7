#include "xlstm/wiring/families/xlstm_large/optional_parts.h"

#include <string>

#include "xlstm/base/error.h"
#include "xlstm/wiring/families/xlstm_large/tensor_rows.h"

namespace xlstm::xlstm_large {
namespace {

constexpr std::size_t kNone = TensorSource::npos;

bool has_outer(const SortedTensors& tensors, std::string_view layer, std::string_view name) {
  const RowList& rows = tensor_table().outer;
  for (std::size_t i = 0; i < rows.rows().size(); ++i) {
    const ParameterRow& row = rows.rows()[i];
    if (row.layer == layer && row.name == name) return tensors.outer[rows.first(i)] != kNone;
  }
  return false;
}

struct Biases {
  std::uint64_t count = 0;
  std::size_t first = kNone;
};

Biases find_biases(const SortedTensors& tensors) {
  const RowList& rows = tensor_table().block;
  Biases out;
  for (const auto& [number, block] : tensors.blocks) {
    for (std::size_t entry = 0; entry < rows.entries().size(); ++entry) {
      const bool optional = rows.rows()[rows.entries()[entry].row].condition == kUseBias;
      if (!optional || block.by_entry[entry] == kNone) continue;
      if (out.count++ == 0) out.first = block.by_entry[entry];
    }
  }
  return out;
}

bool find_use_bias(const LargeConfig& config, const SortedTensors& tensors,
                   const TensorSource& source, Diagnostics& diagnostics) {
  const Biases biases = find_biases(tensors);
  const bool found = biases.count > 0;
  if (config.use_bias.value_or(found) == found) return found;
  if (found) {
    diagnostics.add([&] {
      return str("use_bias is false, the tensors have ", biases.count, " biases, the first is ",
                 quoted(source.tensors()[biases.first].name));
    });
  } else {
    diagnostics.add([] { return std::string("use_bias is true, the tensors have no biases"); });
  }
  return found;
}

}  // namespace

Conditions OptionalParts::conditions() const {
  Conditions out(kConditions);
  out[kAlways] = true;
  out[kUseBias] = use_bias;
  out[kHasOutNorm] = has_out_norm;
  out[kHasOutNormBias] = out_norm_bias;
  out[kUntiedHead] = !tied_head;
  return out;
}

OptionalParts find_optional_parts(const LargeConfig& config, const SortedTensors& tensors,
                                  const TensorSource& source, Diagnostics& diagnostics) {
  const bool norm = has_outer(tensors, "out_norm", "weight");
  const bool head = has_outer(tensors, "lm_head", "weight");
  // Both gone and the config silent on both: a checkpoint that lost its last file.
  const bool cut_off = !norm && !head && !config.add_out_norm && !config.tie_word_embeddings;

  OptionalParts out;
  out.use_bias = find_use_bias(config, tensors, source, diagnostics);
  out.out_norm_bias = has_outer(tensors, "out_norm", "bias");
  // A norm that is there is applied: Hugging Face does so whatever add_out_norm says.
  out.has_out_norm = norm || out.out_norm_bias || config.add_out_norm.value_or(cut_off);
  // A head that is there is used even if tie_word_embeddings is true, as Hugging Face does.
  out.tied_head = !head && !cut_off && config.tie_word_embeddings.value_or(true);
  return out;
}

}  // namespace xlstm::xlstm_large
