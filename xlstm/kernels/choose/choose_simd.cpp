// A sample is found in blocks: a pass over all finds the block, a second one over that block alone
// the token.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/choose/choose.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/choose/choose_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h.
#include "xlstm/kernels/choose/softmax_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

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

std::size_t argmax(const float* logits, std::size_t V) {
  const hn::ScalableTag<float> d;
  const float most = most_of(logits, 0, V);
  const auto wanted = hn::Set(d, most);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= V; i += hn::Lanes(d)) {
    if (!hn::AllFalse(d, hn::Eq(hn::LoadU(d, logits + i), wanted))) break;
  }
  const float* const at = std::find(logits + i, logits + V, most);
  if (at != logits + V) return static_cast<std::size_t>(at - logits);
  return 0;  // nothing but NaN
}

constexpr std::size_t kMostSums = 512;  // of one block each for vocabularies up to 131,072

double sum(const float* logits, std::size_t V) {
  return sum_of(logits, V);
}

// weights_of() of a block; returns its length.
std::size_t weights_of_block(const float* logits, std::size_t V, std::size_t block, float most,
                             float temperature, float* weights) {
  const std::size_t count = std::min(kBlock, V - block * kBlock);
  weights_of(logits + block * kBlock, count, most, temperature, weights);
  return count;
}

std::size_t sample_categorical(const float* logits, std::size_t V, float temperature, double u) {
  const float most = most_of(logits, 0, V);
  const std::size_t blocks = ceil_div(V, kBlock);
  const std::size_t blocks_per_sum = ceil_div(blocks, kMostSums);
  double sums[kMostSums] = {};
  float weights[kBlock];
  double total = 0;
  for (std::size_t block = 0; block < blocks; ++block) {
    const double part =
        sum_of(weights, weights_of_block(logits, V, block, most, temperature, weights));
    sums[block / blocks_per_sum] += part;
    total += part;
  }
  // The last sum that anything can be drawn from where rounding leaves u * total behind all.
  double before = 0, end_of_sum = 0;
  std::size_t last = 0;
  for (std::size_t at = 0; at * blocks_per_sum < blocks; ++at) {
    if (sums[at] == 0) continue;
    last = at;
    before = end_of_sum;
    end_of_sum += sums[at];
    if (end_of_sum > u * total) break;
  }
  std::size_t chosen = 0;
  const std::size_t end = std::min(blocks, (last + 1) * blocks_per_sum);
  for (std::size_t block = last * blocks_per_sum; block < end; ++block) {
    const std::size_t count = weights_of_block(logits, V, block, most, temperature, weights);
    for (std::size_t i = 0; i < count; ++i) {
      if (weights[i] == 0) continue;
      chosen = block * kBlock + i;
      before += static_cast<double>(weights[i]);
      if (before > u * total) return chosen;
    }
  }
  return chosen;
}

double log_sum_exp(const float* logits, std::size_t V) {
  const float most = most_of(logits, 0, V);
  float weights[kBlock];
  double total = 0;
  for (std::size_t block = 0; block * kBlock < V; ++block) {
    total += sum_of(weights, weights_of_block(logits, V, block, most, 1.0F, weights));
  }
  return static_cast<double>(most) + std::log(total);
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {
HWY_EXPORT(argmax);
HWY_EXPORT(sample_categorical);
HWY_EXPORT(sum);
HWY_EXPORT(log_sum_exp);
}  // namespace

std::size_t argmax(const float* logits, std::size_t V) {
  assert(V >= 1 && logits != nullptr);
  return XLSTM_DISPATCH(argmax)(logits, V);
}

std::size_t sample_categorical(const float* logits, std::size_t V, float temperature, double u) {
  assert(V >= 1 && logits != nullptr);
  assert(temperature > 0 && u >= 0 && u < 1);
  return XLSTM_DISPATCH(sample_categorical)(logits, V, temperature, u);
}

double log_sum_exp(const float* logits, std::size_t V) {
  assert(V >= 1 && logits != nullptr);
  return XLSTM_DISPATCH(log_sum_exp)(logits, V);
}

double sum(const float* logits, std::size_t V) {
  assert(V >= 1 && logits != nullptr);
  return XLSTM_DISPATCH(sum)(logits, V);
}

}  // namespace xlstm::kernels
#endif
