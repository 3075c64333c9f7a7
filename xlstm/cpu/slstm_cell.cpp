#include "xlstm/cpu/slstm_cell.h"

#include <vector>

#include "xlstm/backend/check.h"
#include "xlstm/cpu/cpu_tensor.h"
#include "xlstm/cpu/row_tokens.h"
#include "xlstm/kernels/slstm_scan/slstm_scan.h"

namespace xlstm::cpu {
namespace {

constexpr const char* kOp = "slstm_scan";

void check_R_type(const Tensor& R) {
  if (R.dtype() != DType::kBF16) check_dtype(kOp, "R", R, DType::kF32);
}

}  // namespace

TensorShape packed_R_shape(const Tensor& R) {
  check_axes(kOp, "R", R, 3);
  check_R_type(R);
  const std::int64_t NH = R.shape()[0], DH = R.shape()[1];
  check_shape(kOp, "R", R, {NH, DH, 4 * DH});
  const auto units = static_cast<std::int64_t>(kernels::slstm_units());
  return {NH, (DH + units - 1) / units, DH, 4 * units};
}

void pack_R(const Tensor& R, std::byte* packed) {
  kernels::pack_slstm_R(data_of(R), kernels::weight_type(R.dtype()), length(R.shape()[0]),
                        length(R.shape()[1]), packed);
}

void run_slstm_scan(ThreadPool& threads, const Tensor& gates_if, const Tensor& gates_zo,
                    const SlstmWeights& weights, LayerState state, const Tensor& y) {
  check_axes(kOp, "prepared R", weights.R, 4);
  check_R_type(weights.R);
  const std::int64_t NH = weights.R.shape()[0], DH = weights.R.shape()[2], T = y.shape()[0];
  check_shape(kOp, "bias", weights.bias, {NH, 4 * DH});
  check_dtype(kOp, "bias", weights.bias, DType::kF32);
  for (const Tensor* const gates : {&gates_if, &gates_zo}) {
    check_shape(kOp, "gates", *gates, {T, 2 * NH * DH});
    check_dtype(kOp, "gates", *gates, DType::kF32);
  }
  auto& batch = static_cast<CpuStates&>(state.batch);
  std::vector<kernels::SlstmRow> rows;
  const auto of_state = [&](std::size_t row, std::size_t at) {
    return batch.writable(row, state.first + at, {NH, DH}, kOp);
  };
  for (const RowTokens& tokens : row_tokens(kOp, batch, T)) {
    const std::size_t b = rows.size();
    rows.push_back({of_state(b, 0), of_state(b, 1), of_state(b, 2), of_state(b, 3), tokens.first,
                    tokens.count});
  }
  kernels::slstm_scan(threads, {rows.size(), length(NH), length(DH)},
                      {floats_of(gates_if), floats_of(gates_zo), data_of(weights.R),
                       kernels::weight_type(weights.R.dtype()), floats_of(weights.bias),
                       rows.data(), floats_of(y)});
}

}  // namespace xlstm::cpu
