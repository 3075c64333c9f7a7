// y = f(g) u, formulas as in activation.h (with SiLU swiglu.h's), in float32, rounded once; a
// thread has one value.
//
// Template: T; F: width; FUNCTION: an Activation as a number.
// Inputs: gate_up [rows, 2 * F]. Outputs: y [rows, F]. Grid: F x rows threads.
#include "xlstm/kernels/activation/functions.metal"

kernel void gated() {
  const uint j = thread_position_in_grid.x;
  const size_t row = thread_position_in_grid.y;
  const float g = float(gate_up[row * (2 * F) + j]), u = float(gate_up[row * (2 * F) + F + j]);
  y[row * F + j] = static_cast<T>(xlstm::activation<FUNCTION>(g) * u);
}
