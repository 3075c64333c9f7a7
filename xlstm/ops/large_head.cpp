#include "xlstm/ops/large_head.h"

#include "xlstm/base/error.h"
#include "xlstm/kernels/large_head/large_head.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/thread_pool.h"
#include "xlstm/ops/weight_pointers.h"

namespace xlstm::ops {
namespace {

constexpr const char* kName = "large_head";

}  // namespace

struct LargeHeadCpu::Prepared {
  LargeHeadArrays arrays;  // owns what `weights` points to
  kernels::LargeHeadWeights weights;
};

LargeHeadCpu::LargeHeadCpu(const LargeHeadArrays& arrays, std::size_t V, std::size_t D,
                           float norm_eps, std::optional<float> soft_cap) {
  LargeHeadArrays ready = {std::nullopt, settled(arrays.projection)};
  if (arrays.norm) ready.norm = settled(*arrays.norm);
  kernels::LargeHeadWeights weights;
  if (ready.norm) weights.norm = pointers(kName, "norm", *ready.norm, D);
  weights.projection = pointers(kName, "projection", ready.projection, V, D);
  weights.norm_eps = norm_eps;
  weights.soft_cap = soft_cap.value_or(0.0F);
  prepared_ = std::make_shared<const Prepared>(Prepared{std::move(ready), weights});
}

mx::array LargeHeadCpu::operator()(const mx::array& x, int positions) const {
  const auto& projection = prepared_->weights.projection;
  want_rank(kName, "x", x, 3);
  const int B = x.shape(0), S = x.shape(1), V = static_cast<int>(projection.N);
  want_shape(kName, "x", x, {B, S, static_cast<int>(projection.K)});
  want_float32(kName, "x", x);
  if (positions < 0 || positions > S) {
    fail_wanted(ErrorKind::kInternal, kName, str("0 to ", S, " positions"), str(positions));
  }
  const auto kernel = [prepared = prepared_, B, S, positions](const CpuBuffers& t) {
    kernels::large_head(thread_pool(), profile(), prepared->weights, t.input(0), t.output(0),
                        static_cast<std::size_t>(B), static_cast<std::size_t>(S),
                        static_cast<std::size_t>(positions));
  };
  return run_on_cpu({kName, kernel}, mx::Shape{B, positions, V}, mx::float32, {x});
}

}  // namespace xlstm::ops
