// One pass over C: each element is read once, updated, written once and used for the read-out while
// it is in a register. Rows of C go in fours, so that the read-out's accumulators are loaded and
// stored once for four rows.
#include <algorithm>
#include <cmath>
#include <vector>

#include "xlstm/base/threads.h"
#include "xlstm/kernels/mlstm_step/mlstm_step.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/mlstm_step/mlstm_step_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// `R` rows of one head: C' = Fa C + key v^T, and numerator += query . C', over columns [j, end).
template <int R, class D>
HWY_INLINE std::size_t update_columns(D d, std::size_t j, std::size_t end, std::size_t DHV,
                                      float Fa, const float* key /*[R]*/,
                                      const float* query /*[R]*/, const float* v, const float* C,
                                      float* C_out, float* numerator) {
  const auto decay = hn::Set(d, Fa);
  for (; j + hn::Lanes(d) <= end; j += hn::Lanes(d)) {
    const auto value = hn::LoadU(d, v + j);
    auto sum = hn::LoadU(d, numerator + j);
    for (int r = 0; r < R; ++r) {
      const std::size_t at = static_cast<std::size_t>(r) * DHV + j;
      const auto added = hn::Mul(hn::Set(d, key[r]), value);
      const auto c = hn::MulAdd(decay, hn::LoadU(d, C + at), added);
      hn::StoreU(c, d, C_out + at);
      sum = hn::MulAdd(hn::Set(d, query[r]), c, sum);
    }
    hn::StoreU(sum, d, numerator + j);
  }
  return j;
}

template <int R>
HWY_INLINE void update_rows(std::size_t DHV, float Fa, const float* key, const float* query,
                            const float* v, const float* C, float* C_out, float* numerator) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t j = update_columns<R>(d, 0, DHV, DHV, Fa, key, query, v, C, C_out, numerator);
  update_columns<R>(one, j, DHV, DHV, Fa, key, query, v, C, C_out, numerator);
}

void step_head(const MlstmStepArgs& args, const MlstmStepTensors& t, std::size_t head) {
  const std::size_t DHQK = args.DHQK;
  const std::size_t DHV = args.DHV;
  const auto row = static_cast<std::ptrdiff_t>(head / args.NH);
  const std::size_t within = head % args.NH;
  const auto stride_or = [](std::ptrdiff_t stride, std::size_t contiguous) {
    return stride != 0 ? stride : static_cast<std::ptrdiff_t>(contiguous);
  };
  const std::ptrdiff_t qk_row = row * stride_or(args.qkv_stride, args.NH * DHQK);
  const float* q = t.q + qk_row + within * DHQK;
  const float* k = t.k + qk_row + within * DHQK;
  const float* v = t.v + row * stride_or(args.qkv_stride, args.NH * DHV) + within * DHV;
  const std::ptrdiff_t gate_row = row * stride_or(args.gate_stride, args.NH);
  const float i = t.i[gate_row + static_cast<std::ptrdiff_t>(within)];
  const float* C = t.C + head * DHQK * DHV;
  float* C_out = t.C_out + head * DHQK * DHV;
  float* h = t.h + head * DHV;  // holds the numerator until the end

  const float f = t.f[gate_row + static_cast<std::ptrdiff_t>(within)];
  const float lf = std::min(f, 0.0F) - std::log1p(std::exp(-std::abs(f)));
  const float m = std::max(lf + t.m[head], i);
  const float Fa = std::exp(lf + t.m[head] - m);
  const float Ia = std::exp(i - m);
  const float scale = 1.0F / std::sqrt(static_cast<float>(DHQK));
  t.m_out[head] = m;

  std::fill_n(h, DHV, 0.0F);
  float dot = 0;  // q' . n'
  for (std::size_t r = 0; r < DHQK; r += 4) {
    const int rows = static_cast<int>(std::min<std::size_t>(4, DHQK - r));
    float key[4];
    float query[4];
    for (int x = 0; x < rows; ++x) {
      const std::size_t at = r + static_cast<std::size_t>(x);
      key[x] = Ia * k[at];
      query[x] = scale * q[at];
      const float n = Fa * t.n[head * DHQK + at] + key[x];
      t.n_out[head * DHQK + at] = n;
      dot += query[x] * n;
    }
    const float* C_rows = C + r * DHV;
    float* C_out_rows = C_out + r * DHV;
    if (rows == 4) {
      update_rows<4>(DHV, Fa, key, query, v, C_rows, C_out_rows, h);
    } else {
      for (int x = 0; x < rows; ++x) {
        const std::size_t at = static_cast<std::size_t>(x) * DHV;
        update_rows<1>(DHV, Fa, key + x, query + x, v, C_rows + at, C_out_rows + at, h);
      }
    }
  }
  const float denominator = std::max(std::abs(dot), std::exp(-m)) + args.eps;
  for (std::size_t j = 0; j < DHV; ++j) h[j] /= denominator;
}

void step_heads(const MlstmStepArgs& args, const MlstmStepTensors& t, std::size_t begin,
                std::size_t end) {
  for (std::size_t head = begin; head < end; ++head) step_head(args, t, head);
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {

HWY_EXPORT(step_heads);

void mlstm_step(const MlstmStepArgs& args, const MlstmStepTensors& t) {
  // Below this many elements of C the hand-over to another thread costs more than it saves.
  constexpr std::size_t kWorthAThread = std::size_t{1} << 16;
  const auto run = HWY_DYNAMIC_DISPATCH(step_heads);
  const std::size_t heads = args.B * args.NH;
  const std::size_t elements = heads * args.DHQK * args.DHV;
  const std::size_t parts = std::min({heads, thread_count(), elements / kWorthAThread});
  if (parts < 2) return run(args, t, 0, heads);
  parallel_for(parts, [&](std::size_t part) {
    run(args, t, heads * part / parts, heads * (part + 1) / parts);
  });
}

}  // namespace xlstm::kernels
#endif
