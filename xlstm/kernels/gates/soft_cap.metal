// y = cap * tanh(x / cap) in float32, rounded once; a thread has one value.
//
// Template: T; CAP: the bits of a float > 0. Inputs: x of any shape. Outputs: y as x.
#include "xlstm/kernels/gates/gates.metal"

kernel void soft_cap() {
  const uint at = thread_position_in_grid.x;
  y[at] = static_cast<T>(xlstm::soft_cap(float(x[at]), as_type<float>(CAP)));
}
