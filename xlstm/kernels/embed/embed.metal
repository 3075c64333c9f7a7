// Rows of a matrix, y_t = W[ids_t], in the type of y; a thread has one value.
//
// Template: T of y; D. Inputs: W [V, D] of any float type; ids int32, each in [0, V).
// Outputs: y [number of ids, D]. Grid: D x ids threads.
kernel void embed() {
  const uint j = thread_position_in_grid.x, t = thread_position_in_grid.y;
  y[size_t(t) * D + j] = static_cast<T>(float(W[size_t(ids[t]) * D + j]));
}
