// Block-diagonal products, formulas as in headwise.h, summed in float32, rounded once: an output is
// a thread's, or, of wide heads, a SIMD group's.
//
// Template: T of x and y; G, O, I: groups, and each one's outputs and inputs; H heads of x; LANES
// of an output: 1 or 32; BIAS: whether there is one. Inputs: x [rows, H * I]; W [G, O, I], bias [G
// * O] of any float type. Outputs: y [rows, G * O]. Grid: G * O * LANES x rows threads.

kernel void headwise() {
  const int n = int(thread_position_in_grid.x) / LANES,
            lane = int(thread_position_in_grid.x) % LANES;
  const size_t row = thread_position_in_grid.y;
  auto x_head = x + row * (H * I) + n / O % H * I;
  auto w_row = W + size_t(n) * I;
  float sum = 0.0f;
  for (int i = lane; i < I; i += LANES) sum += float(x_head[i]) * float(w_row[i]);
  if constexpr (LANES > 1) sum = simd_sum(sum);
  if constexpr (BIAS) sum += float(bias[n]);
  if (lane == 0) y[row * (G * O) + n] = static_cast<T>(sum);
}
