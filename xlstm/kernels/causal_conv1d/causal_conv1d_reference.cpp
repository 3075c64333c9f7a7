#include "xlstm/kernels/causal_conv1d/causal_conv1d.h"
#include "xlstm/kernels/causal_conv1d/conv_window.h"

namespace xlstm::kernels {

void causal_conv1d_reference(const CausalConvArgs& a, const CausalConvTensors& t) {
  for (std::size_t b = 0; b < a.B; ++b) {
    const ConvRow& row = t.rows[b];
    for (std::size_t at = 0; at < row.tokens; ++at) {
      for (std::size_t c = 0; c < a.C; ++c) {
        double sum = t.bias[c];
        for (std::size_t j = 0; j < a.K; ++j) {
          sum += static_cast<double>(t.W[j * a.C + c]) * conv_input(a, t, row, at, a.K - 1 - j)[c];
        }
        t.y[(row.first + at) * a.C + c] = static_cast<float>(sum);
      }
    }
    move_window(a, t, row);
  }
}

}  // namespace xlstm::kernels
