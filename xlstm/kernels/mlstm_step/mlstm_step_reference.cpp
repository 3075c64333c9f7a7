#include "xlstm/kernels/mlstm_step/mlstm_cell_reference.h"
#include "xlstm/kernels/mlstm_step/mlstm_step.h"

namespace xlstm::kernels {

void mlstm_step_reference(const MlstmStepArgs& args, const MlstmStepTensors& t) {
  const std::size_t B = args.B, NH = args.NH, DHQK = args.DHQK, DHV = args.DHV;
  const float eps = args.eps;
  for (std::size_t head = 0; head < B * NH; ++head) {
    float* const C_out = t.C_out + head * DHQK * DHV;
    float* const n_out = t.n_out + head * DHQK;
    MlstmCellReference cell(DHQK, DHV, t.C + head * DHQK * DHV, t.n + head * DHQK, t.m[head]);
    cell.step(t.q + head * DHQK, t.k + head * DHQK, t.v + head * DHV, t.i[head], t.f[head], eps,
              t.h + head * DHV);
    cell.store(C_out, n_out, t.m_out + head);
  }
}

}  // namespace xlstm::kernels
