// y = x * sigmoid(x) in float32, rounded once; a thread has one value.
//
// Template: T. Inputs: x of any shape. Outputs: y as x. Grid: as many threads as values.
#include "xlstm/kernels/gates/gates.metal"

kernel void silu() {
  const uint at = thread_position_in_grid.x;
  const float z = float(x[at]);
  y[at] = static_cast<T>(z * xlstm::sigmoid(z));
}
