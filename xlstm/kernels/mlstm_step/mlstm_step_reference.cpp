#include "xlstm/kernels/mlstm_step/mlstm_cell_reference.h"
#include "xlstm/kernels/mlstm_step/mlstm_step.h"

namespace xlstm::kernels {

void mlstm_step_reference(const MlstmStepArgs& args, const MlstmStepTensors& t) {
  const std::size_t B = args.B, NH = args.NH, DHQK = args.DHQK, DHV = args.DHV;
  const float eps = args.eps;
  for (std::size_t head = 0; head < B * NH; ++head) {
    const MlstmStatePointers& state = t.states[head / NH];
    const std::size_t within = head % NH;
    float* const C = state.C + within * DHQK * DHV;
    float* const n = state.n + within * DHQK;
    MlstmCellReference cell(DHQK, DHV, C, n, state.m[within]);
    cell.step(t.q + head * DHQK, t.k + head * DHQK, t.v + head * DHV, t.i[head], t.f[head], eps,
              t.h + head * DHV);
    cell.store(C, n, state.m + within);
  }
}

}  // namespace xlstm::kernels
