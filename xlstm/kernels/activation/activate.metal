// y = f(x), formulas as in activation.h, in float32, rounded once; a thread has one value.
//
// Template: T; FUNCTION: an Activation as a number. Inputs: x of any shape. Outputs: y as x.
// Grid: as many threads as values.
#include "xlstm/kernels/activation/functions.metal"

kernel void activate() {
  const uint at = thread_position_in_grid.x;
  y[at] = static_cast<T>(xlstm::activation<FUNCTION>(float(x[at])));
}
