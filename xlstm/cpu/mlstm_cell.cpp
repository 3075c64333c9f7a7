#include "xlstm/cpu/mlstm_cell.h"

#include "xlstm/base/error.h"
#include "xlstm/cpu/cpu_tensor.h"
#include "xlstm/cpu/state_batch.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/kernels/mlstm_step/mlstm_step.h"

namespace xlstm::cpu {

void MlstmCell::run(ThreadPool& threads, const CellColumns& in, std::int64_t T,
                    const MlstmMixerSpec& s, LayerState state, float* h) {
  auto& batch = static_cast<CpuStates&>(state.batch);
  const std::size_t B = batch.rows();
  const bool equal = batch.lengths().empty();
  if (B == 0 || (equal && length(T) % B != 0) || (!equal && batch.lengths().size() != B)) {
    fail_wanted(ErrorKind::kInternal, "mlstm_cell", str("tokens of ", B, " sequences"), str(T));
  }
  if (T == 0) return;
  rows_.resize(B);
  for (std::size_t b = 0; b < B; ++b) {
    rows_[b] = {batch.writable(b, state.first, {s.NH, s.DHQK, s.DHV}, "mlstm_cell"),
                batch.writable(b, state.first + 1, {s.NH, s.DHQK}, "mlstm_cell"),
                batch.writable(b, state.first + 2, {s.NH}, "mlstm_cell")};
  }
  if (equal) return run_rows(threads, in, 0, B, length(T) / B, s, h);
  CellColumns at = in;
  for (std::size_t b = 0; b < B; ++b) {
    const std::int64_t S = batch.lengths()[b];
    run_rows(threads, at, b, 1, length(S), s, h);
    at.q += S * in.qkv_stride;
    at.k += S * in.qkv_stride;
    at.v += S * in.qkv_stride;
    at.i += S * in.gate_stride;
    at.f += S * in.gate_stride;
    h += S * s.NH * s.DHV;
  }
}

// S tokens of each of B rows, from rows_[first] on: h [B * S, NH * DHV].
void MlstmCell::run_rows(ThreadPool& threads, const CellColumns& in, std::size_t first,
                         std::size_t B, std::size_t S, const MlstmMixerSpec& s, float* h) const {
  if (S == 0) return;
  const std::size_t NH = length(s.NH), DHQK = length(s.DHQK), DHV = length(s.DHV);
  const auto* const rows = rows_.data() + first;
  if (S == 1) {
    kernels::mlstm_step(threads, {B, NH, DHQK, DHV, s.cell_eps, in.qkv_stride, in.gate_stride},
                        {in.q, in.k, in.v, in.i, in.f, rows, h});
  } else {
    kernels::mlstm_chunk(threads, {B, S, NH, DHQK, DHV, s.cell_eps, in.qkv_stride, in.gate_stride},
                         {in.q, in.k, in.v, in.i, in.f, rows, h});
  }
}

}  // namespace xlstm::cpu
