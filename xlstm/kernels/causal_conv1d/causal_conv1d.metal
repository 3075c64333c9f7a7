// The causal convolution of each channel, formulas as in causal_conv1d.h, in float32, rounded once;
// a thread has one channel of one token, that of the last token the new window too.
//
// Template: T of x and y; C, K.
// Inputs: x [B, S, C]; W [C, K], bias [C] of any float type; window [B, K - 1, C] float32: the
// inputs before. Outputs: y [B, S, C]; window_next float32. Grid: C x S x B threads.

namespace xlstm {

// Input `at` of a channel, counted from the window's first.
template <int C, int K, typename X, typename Window>
inline float conv_input(X x, Window window, int at) {
  return at < K - 1 ? float(window[size_t(at) * C]) : float(x[size_t(at - (K - 1)) * C]);
}

}  // namespace xlstm

kernel void causal_conv1d() {
  const int c = int(thread_position_in_grid.x), t = int(thread_position_in_grid.y);
  const int sequence = int(thread_position_in_grid.z), S = int(threads_per_grid.y);
  auto x_row = x + size_t(sequence) * S * C + c;
  auto window_row = window + size_t(sequence) * (K - 1) * C + c;
  float sum = float(bias[c]);
  for (int j = 0; j < K; ++j) {
    sum += xlstm::conv_input<C, K>(x_row, window_row, t + j) * float(W[c * K + j]);
  }
  y[(size_t(sequence) * S + t) * C + c] = static_cast<T>(sum);
  if (t == S - 1) {
    for (int r = 0; r < K - 1; ++r) {
      window_next[(size_t(sequence) * (K - 1) + r) * C + c] =
          xlstm::conv_input<C, K>(x_row, window_row, S + r);
    }
  }
}
