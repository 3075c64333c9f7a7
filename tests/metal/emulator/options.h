// How a kernel is run.
#pragma once

namespace xlstm::metal_emulator {

struct Options {
  // Every access is checked: bounds, races, reads of what nobody wrote; and undefined arithmetic.
  // Without, only what faults, diverges or is too large is found, and all that nobody wrote is NaN.
  bool checked = false;
  // The order in which threadgroups, SIMD groups and lanes run: 0 is that of their indices, others
  // are shuffled.
  unsigned seed = 0;
  // Lanes hold other elements of a simdgroup_matrix than on the devices that are known.
  bool permute_matrices = false;
  // Floats too small to be normal are zero, as a GPU may treat them.
  bool flush_denormals = false;
};

}  // namespace xlstm::metal_emulator
