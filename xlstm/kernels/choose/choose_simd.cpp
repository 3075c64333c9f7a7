// Both in blocks: a pass over all finds the block, a second one over that block alone the token.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "xlstm/kernels/choose/choose.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/choose/choose_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h.
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// The largest of [begin, end), -inf where there is none but NaN.
float most_of(const float* logits, std::size_t begin, std::size_t end) {
  const hn::ScalableTag<float> d;
  auto most = hn::Set(d, kLowest);
  std::size_t i = begin;
  for (; i + hn::Lanes(d) <= end; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, logits + i);
    most = hn::IfThenElse(hn::Gt(v, most), v, most);
  }
  float out = hn::GetLane(hn::MaxOfLanes(d, most));
  for (; i < end; ++i) out = logits[i] > out ? logits[i] : out;
  return out;
}

// to[i] = exp(logits[i] - most) for i < count.
void weights_of(const float* logits, std::size_t count, float most, float* to) {
  const hn::ScalableTag<float> d;
  const auto top = hn::Set(d, most);
  // Below this exp is 0 in float32, and -inf leaves the range that Exp is made for.
  const auto floor = hn::Set(d, -104.0F);
  const auto weight = [&](auto v) HWY_ATTR {
    const auto z = hn::Sub(v, top);
    return hn::IfThenElseZero(hn::Gt(z, floor), hn::Exp(d, hn::Max(z, floor)));
  };
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    hn::StoreU(weight(hn::LoadU(d, logits + i)), d, to + i);
  }
  if (i == count) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)];
  std::fill(std::begin(rest), std::end(rest), kLowest);
  std::copy(logits + i, logits + count, rest);
  hn::Store(weight(hn::Load(d, rest)), d, rest);
  std::copy(rest, rest + (count - i), to + i);
}

std::size_t largest(const float* logits, std::size_t V) {
  const float most = most_of(logits, 0, V);
  const float* const at = std::find(logits, logits + V, most);
  if (at != logits + V) return static_cast<std::size_t>(at - logits);
  return 0;  // nothing but NaN
}

constexpr std::size_t kBlock = 256;

// In eight strands, which a compiler makes vectors of.
double sum(const float* values, std::size_t count) {
  double strands[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t s = 0; s < 8; ++s) strands[s] += static_cast<double>(values[i + s]);
  }
  for (; i < count; ++i) strands[0] += static_cast<double>(values[i]);
  double all = 0;
  for (const double strand : strands) all += strand;
  return all;
}

std::size_t draw(const float* logits, std::size_t V, double u) {
  const float most = most_of(logits, 0, V);
  const std::size_t blocks = (V + kBlock - 1) / kBlock;
  thread_local std::vector<double> sums;
  sums.assign(blocks, 0.0);
  float weights[kBlock];
  const auto weigh = [&](std::size_t block) {
    const std::size_t count = std::min(kBlock, V - block * kBlock);
    weights_of(logits + block * kBlock, count, most, weights);
    return count;
  };
  double total = 0;
  for (std::size_t block = 0; block < blocks; ++block) {
    sums[block] = sum(weights, weigh(block));
    total += sums[block];
  }
  double before = 0;
  std::size_t last = 0;  // the last block that anything can be drawn from
  for (std::size_t b = 0; b < blocks; ++b) {
    if (sums[b] == 0) continue;
    last = b;
    if (before + sums[b] > u * total) break;
    before += sums[b];
  }
  const std::size_t count = weigh(last);
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (weights[i] == 0) continue;
    chosen = i;
    before += static_cast<double>(weights[i]);
    if (before > u * total) break;
  }
  return last * kBlock + chosen;
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {
HWY_EXPORT(largest);
HWY_EXPORT(draw);
HWY_EXPORT(sum);
}  // namespace

std::size_t largest(const float* logits, std::size_t V) {
  return XLSTM_DISPATCH(largest)(logits, V);
}

std::size_t draw(const float* logits, std::size_t V, double u) {
  return XLSTM_DISPATCH(draw)(logits, V, u);
}

double sum(const float* logits, std::size_t V) {
  return XLSTM_DISPATCH(sum)(logits, V);
}

}  // namespace xlstm::kernels
#endif
