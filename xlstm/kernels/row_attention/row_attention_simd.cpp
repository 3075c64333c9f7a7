#include <algorithm>
#include <cassert>
#include <cmath>

#include "xlstm/kernels/row_attention/row_attention.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/row_attention/row_attention_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

float dot(const float* x, const float* y, std::size_t count) {
  const hn::ScalableTag<float> d;
  auto sum = hn::Zero(d);
  for_vectors(count, [&](auto load, auto) HWY_ATTR { sum = hn::MulAdd(load(x), load(y), sum); });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// exp(score - the largest) over their sum, in place.
void softmax(float* scores, std::size_t count) {
  const hn::ScalableTag<float> d;
  const auto most = hn::Set(d, *std::max_element(scores, scores + count));
  for_vectors(count, [&](auto load, auto store)
                         HWY_ATTR { store(exp_or_nan(d, hn::Sub(load(scores), most)), scores); });
  float sum = 0;
  for (std::size_t s = 0; s < count; ++s) sum += scores[s];
  for (std::size_t s = 0; s < count; ++s) scores[s] /= sum;
}

// All rows of a group at one token. scratch: [3, rows].
void attend(const RowAttentionArgs& a, const RowGroup& group, std::size_t token, float* scratch) {
  const hn::ScalableTag<float> d;
  const std::size_t D = a.NA * a.DA, rows = group.rows.size();
  const auto width = static_cast<float>(a.DA);
  float *const q_scales = scratch, *const k_scales = scratch + rows,
               *const scores = scratch + 2 * rows;
  const auto qkv = [&](std::size_t at) {
    return a.qkv + (static_cast<std::size_t>(group.rows[at]) * a.S + token) * 3 * D;
  };
  const auto scale_of = [&](const float* x) {
    return a.norm_eps ? 1 / std::sqrt(dot(x, x, a.DA) / width + *a.norm_eps) : 1.0F;
  };
  for (std::size_t at = 0; at < D; at += a.DA) {
    for (std::size_t r = 0; r < rows; ++r) {
      q_scales[r] = scale_of(qkv(r) + at) / std::sqrt(width);
      k_scales[r] = scale_of(qkv(r) + D + at);
    }
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t first = r < group.targets ? 0 : group.targets, seen = rows - first;
      for (std::size_t s = 0; s < seen; ++s) {
        scores[s] =
            dot(qkv(r) + at, qkv(first + s) + D + at, a.DA) * q_scales[r] * k_scales[first + s];
      }
      softmax(scores, seen);
      float* const y = a.y + (static_cast<std::size_t>(group.rows[r]) * a.S + token) * D + at;
      std::fill_n(y, a.DA, 0.0F);
      for (std::size_t s = 0; s < seen; ++s) {
        const float* const v = qkv(first + s) + 2 * D + at;
        const auto weight = hn::Set(d, scores[s]);
        for_vectors(a.DA, [&](auto load, auto store)
                              HWY_ATTR { store(hn::MulAdd(weight, load(v), load(y)), y); });
      }
    }
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {
HWY_EXPORT(attend);
}  // namespace

void row_attention(ThreadPool& pool, const RowAttentionArgs& args,
                   std::span<const RowGroup> groups) {
  assert(args.qkv != nullptr && args.y != nullptr && args.DA > 0);
  std::size_t most = 0;
  for (const RowGroup& group : groups) most = std::max(most, group.rows.size());
  const auto run = XLSTM_DISPATCH(attend);
  pool.parallel_for(groups.size() * args.S, [&](std::size_t at) {
    const ScratchLease scratch = pool.scratch_floats(3 * most, "row_attention");
    run(args, groups[at / args.S], at % args.S, scratch.floats());
  });
}

}  // namespace xlstm::kernels
#endif
