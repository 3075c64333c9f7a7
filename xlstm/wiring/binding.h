// Every tensor that a family's table wants is there once, in the right shape and of a float dtype,
// and no other is.
#pragma once

#include <cstdint>
#include <map>

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

// Faults: gaps in block numbers, blocks of other kinds, missing, doubled, misshapen and non-float
// tensors, unexpected ones (those of parameters whose condition does not hold included), quantised
// gates and norms, parameters whose parts are stored in different formats. Dimensions that are 0
// match any length.
void check_tensors(const Binding& binding, Diagnostics& diagnostics);

// Where check_tensors() found no fault: a dimension of a parameter that the model has, and that no
// valid tensor shows, is one, as where fused rows do not split into their parts.
void check_dims(const Binding& binding, Diagnostics& diagnostics);

}  // namespace xlstm
