#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/kernels/mlstm_step/mlstm_cell_reference.h"

namespace xlstm::kernels {

void mlstm_chunk_reference(const MlstmChunkArgs& args, const MlstmChunkTensors& t) {
  const std::size_t B = args.B, S = args.S, NH = args.NH, DHQK = args.DHQK, DHV = args.DHV;
  const float eps = args.eps;
  for (std::size_t b = 0; b < B; ++b) {
    for (std::size_t head = 0; head < NH; ++head) {
      const std::size_t state = b * NH + head;
      MlstmCellReference cell(DHQK, DHV, t.C + state * DHQK * DHV, t.n + state * DHQK, t.m[state]);
      for (std::size_t s = 0; s < S; ++s) {
        const std::size_t at = (b * S + s) * NH + head;
        cell.step(t.q + at * DHQK, t.k + at * DHQK, t.v + at * DHV, t.i[at], t.f[at], eps,
                  t.h + at * DHV);
      }
      cell.store(t.C_out + state * DHQK * DHV, t.n_out + state * DHQK, t.m_out + state);
    }
  }
}

}  // namespace xlstm::kernels
