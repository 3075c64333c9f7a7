#include "xlstm/model/large_head.h"

#include "mlx/ops.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;
}

LargeHead::LargeHead(ops::LargeHeadArrays arrays, const LargeDims& dims)
    : w_(std::move(arrays)), dims_(dims) {
  if (ops::on_cpu()) {
    cpu_.emplace(w_, static_cast<std::size_t>(dims.V), static_cast<std::size_t>(dims.D),
                 dims.norm_eps, dims.output_logit_soft_cap);
  }
}

mx::array LargeHead::operator()(const mx::array& x, int positions) const {
  return cpu_ ? (*cpu_)(x, positions) : definition(x, positions);
}

mx::array LargeHead::definition(const mx::array& x, int positions) const {
  const int B = x.shape(0), S = x.shape(1), D = x.shape(2);
  mx::array y = positions < S ? mx::slice(x, {0, S - positions, 0}, {B, S, D}) : x;
  if (w_.norm) y = ops::rms_norm(y, w_.norm->weight, w_.norm->bias, dims_.norm_eps);
  const mx::array logits = ops::linear(y, w_.projection.weight, w_.projection.bias);
  return ops::soft_cap(mx::astype(logits, mx::float32), dims_.output_logit_soft_cap);
}

}  // namespace xlstm
