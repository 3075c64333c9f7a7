#include "xlstm/ops/large_block.h"

#include <algorithm>

#include "xlstm/base/error.h"
#include "xlstm/ops/at_once.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/thread_pool.h"
#include "xlstm/ops/weight_pointers.h"

namespace xlstm::ops {

struct LargeBlockCpu::Prepared {
  LargeBlockArrays arrays;  // owns what `weights` points to
  kernels::LargeBlockSizes sizes;
  kernels::LargeBlockWeights weights;
};

namespace {

constexpr const char* kName = "large_block";

kernels::LargeBlockWeights all_pointers(const LargeBlockArrays& a,
                                        const kernels::LargeBlockSizes& s) {
  const std::size_t QK = s.NH * s.DHQK, V = s.NH * s.DHV;
  return {pointers(kName, "mlstm_norm", a.mlstm_norm, s.D),
          pointers(kName, "qkvo", a.qkvo, 2 * QK + 2 * V, s.D),
          pointers(kName, "gates", a.gates, 2 * s.NH, s.D),
          pointers(kName, "head_norm", a.head_norm, V),
          pointers(kName, "out", a.out, s.D, V),
          pointers(kName, "ffn_norm", a.ffn_norm, s.D),
          pointers(kName, "up", a.up, 2 * s.F, s.D),
          pointers(kName, "down", a.down, s.D, s.F)};
}

}  // namespace

LargeBlockCpu::LargeBlockCpu(const LargeBlockArrays& arrays,
                             const kernels::LargeBlockSizes& sizes) {
  const LargeBlockArrays ready = {settled(arrays.mlstm_norm), settled(arrays.qkvo),
                                  settled(arrays.gates),      settled(arrays.head_norm),
                                  settled(arrays.out),        settled(arrays.ffn_norm),
                                  settled(arrays.up),         settled(arrays.down)};
  prepared_ = std::make_shared<const Prepared>(Prepared{ready, sizes, all_pointers(ready, sizes)});
}

mx::array LargeBlockCpu::operator()(mx::array x, MlstmState& state) const {
  const kernels::LargeBlockSizes& s = prepared_->sizes;
  const int D = static_cast<int>(s.D), NH = static_cast<int>(s.NH);
  const int DHQK = static_cast<int>(s.DHQK), DHV = static_cast<int>(s.DHV);
  want_rank(kName, "x", x, 3);
  const int B = x.shape(0), S = x.shape(1);
  want_shape(kName, "x", x, {B, S, D});
  want_shape(kName, "C", state.C, {B, NH, DHQK, DHV});
  want_shape(kName, "n", state.n, {B, NH, DHQK});
  want_shape(kName, "m", state.m, {B, NH});
  for (const mx::array* a :
       std::initializer_list<const mx::array*>{&x, &state.C, &state.n, &state.m})
    want_float32(kName, "x and state", *a);
  if (S == 0 || B == 0) return x;

  if (AtOnce* const scope = AtOnce::here()) {
    run_in_place(*scope, x, state);
    return x;
  }
  const std::vector<std::size_t> sizes = {state.C.size(), state.n.size(), state.m.size()};
  const auto kernel = [prepared = prepared_, sizes, B, S](const CpuBuffers& t) {
    for (std::size_t part = 0; part < 3; ++part) {
      if (t.input(1 + part) == t.output(1 + part)) continue;
      std::copy_n(t.input(1 + part), sizes[part], t.output(1 + part));
    }
    kernels::large_block(thread_pool(), profile(), prepared->sizes, prepared->weights,
                         {t.input(0), t.output(0), t.output(1), t.output(2), t.output(3)},
                         static_cast<std::size_t>(B), static_cast<std::size_t>(S));
  };
  std::vector<mx::Shape> shapes = {x.shape(), state.C.shape(), state.n.shape(), state.m.shape()};
  std::vector<mx::array> inputs = {std::move(x), std::move(state.C), std::move(state.n),
                                   std::move(state.m)};
  auto out = run_on_cpu({kName, kernel, {{0, 0}, {1, 1}, {2, 2}, {3, 3}}}, std::move(shapes),
                        std::vector<mx::Dtype>(4, mx::float32), std::move(inputs));
  state = {std::move(out[1]), std::move(out[2]), std::move(out[3])};
  return out[0];
}

// The same without an array made, unless somebody else holds one of these.
void LargeBlockCpu::run_in_place(AtOnce& scope, mx::array& x, MlstmState& state) const {
  own({&x, &state.C, &state.n, &state.m}, kName);
  float* const stream = x.data<float>();
  float* const C = state.C.data<float>();
  float* const n = state.n.data<float>();
  float* const m = state.m.data<float>();
  scope.run([&] {
    kernels::large_block(thread_pool(), profile(), prepared_->sizes, prepared_->weights,
                         {stream, stream, C, n, m}, static_cast<std::size_t>(x.shape(0)),
                         static_cast<std::size_t>(x.shape(1)));
  });
}

}  // namespace xlstm::ops
