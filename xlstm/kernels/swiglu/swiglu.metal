// y = g * sigmoid(g) * u, as swiglu.h has it, in float32 and rounded once; a thread has one value.
//
// Template: T; F.
// Inputs: gate_up [rows, 2 * F]. Outputs: y [rows, F]. Grid: rows * F threads, of two axes.
#include "xlstm/kernels/gates/gates.metal"

kernel void swiglu() {
  const uint j = thread_position_in_grid.x;
  const size_t row = thread_position_in_grid.y;
  const float g = float(gate_up[row * (2 * F) + j]), u = float(gate_up[row * (2 * F) + F + j]);
  y[row * F + j] = static_cast<T>(g * xlstm::sigmoid(g) * u);
}
