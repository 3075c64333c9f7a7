#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/kernels/mlstm_step/mlstm_cell_reference.h"

namespace xlstm::kernels {

void mlstm_chunk_reference(const MlstmChunkArgs& args, const MlstmChunkTensors& t) {
  const std::size_t B = args.B, S = args.S, NH = args.NH, DHQK = args.DHQK, DHV = args.DHV;
  const float eps = args.eps;
  for (std::size_t b = 0; b < B; ++b) {
    for (std::size_t head = 0; head < NH; ++head) {
      const MlstmStatePointers& state = t.states[b];
      float* const C = state.C + head * DHQK * DHV;
      float* const n = state.n + head * DHQK;
      MlstmCellReference cell(DHQK, DHV, C, n, state.m[head]);
      for (std::size_t s = 0; s < S; ++s) {
        const std::size_t at = (b * S + s) * NH + head;
        cell.step(t.q + at * DHQK, t.k + at * DHQK, t.v + at * DHV, t.i[at], t.f[at], eps,
                  t.h + at * DHV);
      }
      cell.store(C, n, state.m + head);
    }
  }
}

}  // namespace xlstm::kernels
