// Every tensor that a family's table wants is there once, in the right shape and of a float dtype,
// and no other is.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "xlstm/wiring/diagnostics.h"
#include "xlstm/wiring/matrix_view.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm {

// A checkpoint's tensors as a family's table takes them. All but the vectors must outlive it.
struct Binding {
  const TensorTable& table;
  const MatrixView& source;
  const SortedTensors& tensors;
  DimLengths dims;
  Conditions conditions;
  // Of blocks that differ in kind: the conditions that hold in each.
  std::map<std::uint64_t, Conditions> block_conditions = {};

  const Conditions& conditions_of(std::uint64_t block) const {
    const auto found = block_conditions.find(block);
    return found == block_conditions.end() ? conditions : found->second;
  }
};

// Adds faults: gaps in block numbers, blocks of other kinds, missing, doubled, misshapen and
// non-float tensors, unexpected ones (those of parameters whose condition does not hold included),
// quantised gates and norms, parameters whose parts are stored in different formats. Dimensions
// that are 0 match any length; where nothing else is wrong, one that the model needs and that is 0
// is a fault, too: no tensor shows it, as where fused rows do not split into their parts. Throws
// Error(kFormat), which names `where`, with all faults that `diagnostics` then has.
void check_binding(const Binding& binding, Diagnostics& diagnostics, std::string_view where);

}  // namespace xlstm
