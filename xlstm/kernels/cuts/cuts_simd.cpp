// A cut is found by histograms: the logits' range in 256 bins, the weight of each bin, and then the
// same again of the one bin in which the sum from above reaches its aim, until that bin has a few
// logits, which are sorted, or equal ones only.
#include <algorithm>
#include <cassert>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>

#include "xlstm/kernels/cuts/cuts.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/cuts/cuts_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h.
#include "xlstm/kernels/choose/softmax_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

using F = hn::ScalableTag<float>;
using I = hn::RebindToSigned<F>;

float block_maxima(const float* logits, std::size_t V, float* maxima) {
  const F d;
  float most = kLowest;
  bool has_nan = false;
  for (std::size_t begin = 0; begin < V; begin += kMaximaBlock) {
    const std::size_t end = std::min(V, begin + kMaximaBlock);
    auto largest = hn::Set(d, kLowest);
    // A number is equal to itself; a sum of masks would be slower than this one.
    auto same = hn::Eq(largest, largest);
    std::size_t i = begin;
    for (; i + hn::Lanes(d) <= end; i += hn::Lanes(d)) {
      const auto v = hn::LoadU(d, logits + i);
      largest = hn::IfThenElse(hn::Gt(v, largest), v, largest);
      same = hn::And(same, hn::Eq(v, v));
    }
    // Where Highway emulates vectors, MaxOfLanes() is no less than the lowest finite number.
    const bool is_empty = hn::AllFalse(d, hn::Gt(largest, hn::Set(d, kLowest)));
    float own = is_empty ? kLowest : hn::GetLane(hn::MaxOfLanes(d, largest));
    has_nan = has_nan || !hn::AllTrue(d, same);
    for (; i < end; ++i) {
      if (logits[i] > own) own = logits[i];
      has_nan = has_nan || std::isnan(logits[i]);
    }
    maxima[begin / kMaximaBlock] = own;
    most = std::max(most, own);
  }
  return has_nan ? std::numeric_limits<float>::quiet_NaN() : most;
}

// Lanes that stay are moved one by one, without a branch: Highway's Compress is no faster with
// AVX-512 (36 us for half of 50,304 logits, against 30), and with AVX2 takes a table that g++ 12
// copies to the stack at every call (240 us).
std::size_t collect(const float* logits, std::size_t V, const float* maxima, float least,
                    float* values, std::int32_t* ids) {
  const F d;
  const float above_none = std::max(least, std::numeric_limits<float>::lowest());
  const auto low = hn::Set(d, above_none);
  std::size_t count = 0;
  const auto take = [&](std::size_t i) {
    const float logit = logits[i];
    values[count] = logit;
    ids[count] = static_cast<std::int32_t>(i);
    count += logit >= above_none ? 1 : 0;
  };
  for (std::size_t begin = 0; begin < V; begin += kMaximaBlock) {
    if (maxima[begin / kMaximaBlock] < above_none) continue;
    const std::size_t end = std::min(V, begin + kMaximaBlock);
    std::size_t i = begin;
    for (; i + hn::Lanes(d) <= end; i += hn::Lanes(d)) {
      if (hn::AllFalse(d, hn::Ge(hn::LoadU(d, logits + i), low))) continue;
      for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) take(i + lane);
    }
    for (; i < end; ++i) take(i);
  }
  return count;
}

void keep_allowed(const float* logits, std::size_t V, const std::uint64_t* allowed, float* to) {
  const F d;
  const auto none = hn::Set(d, kLowest);
  for (std::size_t begin = 0; begin < V; begin += 64) {
    const std::uint64_t word = allowed[begin / 64];
    const std::size_t end = std::min(V, begin + 64);
    std::size_t i = begin;
    for (; i + hn::Lanes(d) <= end; i += hn::Lanes(d)) {
      // As many bytes as LoadMaskBits may read, the lowest first, as all processors here have them.
      std::uint8_t bits[8];
      const std::uint64_t own = word >> (i - begin);
      std::copy_n(reinterpret_cast<const std::uint8_t*>(&own), 8, bits);
      hn::StoreU(hn::IfThenElse(hn::LoadMaskBits(d, bits), hn::LoadU(d, logits + i), none), d,
                 to + i);
    }
    for (; i < end; ++i) to[i] = (word >> (i - begin) & 1) != 0 ? logits[i] : kLowest;
  }
}

// What a logit counts: one, or its share of the mass.
struct Weighing {
  bool counts;
  float most, temperature;
};

void weigh(const Weighing& weighing, const float* logits, std::size_t count, float* to) {
  if (!weighing.counts) return weights_of(logits, count, weighing.most, weighing.temperature, to);
  for (std::size_t i = 0; i < count; ++i) to[i] = logits[i] > kLowest ? 1.0F : 0.0F;
}

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Range {
  float low = kInf, high = kLowest;
};

// Of those above -inf.
Range range_of(const float* logits, std::size_t count) {
  const F d;
  Range range;
  const auto none = hn::Set(d, kLowest), large = hn::Set(d, kInf);
  auto low = large, high = none;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, logits + i);
    high = hn::Max(high, v);
    low = hn::Min(low, hn::IfThenElse(hn::Gt(v, none), v, large));
  }
  range = {hn::GetLane(hn::MinOfLanes(d, low)), hn::GetLane(hn::MaxOfLanes(d, high))};
  for (; i < count; ++i) {
    range.high = std::max(range.high, logits[i]);
    if (logits[i] > kLowest) range.low = std::min(range.low, logits[i]);
  }
  return range;
}

constexpr std::size_t kBins = 256;

// Bin min((high - l) * scale, kBins - 1), rounded down, of each logit l.
struct Bins {
  float high, scale;
};

Bins bins_of(const Range& range, const Weighing& weighing) {
  double width = static_cast<double>(range.high) - static_cast<double>(range.low);
  // What lies 32 lower has next to no mass, and would only make the bins wide.
  if (!weighing.counts) width = std::min(width, 32.0 * static_cast<double>(weighing.temperature));
  const double scale = static_cast<double>(kBins) / width;
  return {range.high, static_cast<float>(
                          std::min(scale, static_cast<double>(std::numeric_limits<float>::max())))};
}

// Not above kBins, whatever overflows.
template <class V>
HWY_INLINE V bin_numbers(F d, const Bins& bins, V logits) {
  const auto number = hn::Mul(hn::Sub(hn::Set(d, bins.high), logits), hn::Set(d, bins.scale));
  return hn::Min(number, hn::Set(d, static_cast<float>(kBins)));
}

// Adds the weights of each bin up: sums [kBins].
void add_up(const float* logits, std::size_t count, const Weighing& weighing, const Bins& bins,
            double* sums) {
  const F d;
  const I di;
  const auto last = hn::Set(d, static_cast<float>(kBins - 1));
  double strands[4][kBins] = {};  // an addition need not wait for the one before
  constexpr std::size_t kPadding = HWY_MAX_BYTES / sizeof(float);
  float weights[kBlock], padded[kBlock + kPadding];
  std::int32_t at[kBlock + kPadding];
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t n = std::min(kBlock, count - begin);
    const float* from = logits + begin;
    if (n < kBlock) {
      std::copy_n(from, n, padded);
      std::fill_n(padded + n, kPadding, bins.high);
      from = padded;
    }
    weigh(weighing, from, n, weights);
    for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
      const auto number = bin_numbers(d, bins, hn::LoadU(d, from + i));
      hn::StoreU(hn::ConvertTo(di, hn::Min(number, last)), di, at + i);
    }
    for (std::size_t i = 0; i < n; ++i) strands[i % 4][at[i]] += static_cast<double>(weights[i]);
  }
  for (std::size_t b = 0; b < kBins; ++b) {
    sums[b] = (strands[0][b] + strands[1][b]) + (strands[2][b] + strands[3][b]);
  }
}

// Those of one bin, but for -inf; `to` may be `logits`. Returns how many they are.
std::size_t collect_bin(const float* logits, std::size_t count, const Bins& bins, std::size_t bin,
                        float* to) {
  const F d;
  const auto none = hn::Set(d, kLowest), low = hn::Set(d, static_cast<float>(bin));
  // The last one takes what lies beyond, too.
  const float bound = bin + 1 == kBins ? kInf : static_cast<float>(bin + 1);
  const auto end = hn::Set(d, bound);
  std::size_t kept = 0;
  const auto take = [&](const float* from, std::size_t n) HWY_ATTR {
    const auto v = hn::LoadU(d, from);
    const auto number = bin_numbers(d, bins, v);
    const auto inside = hn::And(hn::And(hn::Ge(number, low), hn::Lt(number, end)), hn::Gt(v, none));
    if (hn::AllFalse(d, inside)) return;
    std::uint64_t bits = 0;
    hn::StoreMaskBits(d, inside, reinterpret_cast<std::uint8_t*>(&bits));
    for (std::size_t lane = 0; lane < n; ++lane) {
      to[kept] = from[lane];
      kept += bits >> lane & 1;
    }
  };
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) take(logits + i, hn::Lanes(d));
  if (i == count) return kept;
  float rest[HWY_MAX_BYTES / sizeof(float)];
  std::fill(std::begin(rest), std::end(rest), kLowest);
  std::copy(logits + i, logits + count, rest);
  take(rest, count - i);
  return kept;
}

// Among `logits` [count] the sum from above, now at `above`, reaches `aim`; where that is not known
// yet they are all, and it is the share `p` of their sum.
struct Search {
  const float* logits;
  std::size_t count;
  double above;
  std::optional<double> aim;
  double p;

  void aim_at(double sum) {
    if (!aim) aim = p * sum;
  }
};

// All that are not -inf are equal to `value`.
Cut cut_of_equals(Search search, const Weighing& weighing, float value) {
  const float* const end = search.logits + search.count;
  const auto all = static_cast<std::size_t>(std::count(search.logits, end, value));
  float weight = 0;
  weigh(weighing, &value, 1, &weight);
  search.aim_at(static_cast<double>(all) * static_cast<double>(weight));
  const double wanted = (*search.aim - search.above) / static_cast<double>(weight);
  // Not so where it is no number, of a weight of 0.
  const bool is_less = wanted < static_cast<double>(all);
  const auto kept = is_less ? static_cast<std::size_t>(std::max(1.0, std::ceil(wanted))) : all;
  return {value, kept, all - kept};
}

Cut cut_by_sorting(Search search, const Weighing& weighing, float* work) {
  float* const end = std::copy_if(search.logits, search.logits + search.count, work,
                                  [](float l) { return l > kLowest; });
  std::sort(work, end, std::greater<>());
  const auto count = static_cast<std::size_t>(end - work);
  float weights[kBlock];
  const auto weigh_block = [&](std::size_t begin) {
    const std::size_t n = std::min(kBlock, count - begin);
    weigh(weighing, work + begin, n, weights);
    return n;
  };
  if (!search.aim) {
    double sum = 0;
    for (std::size_t i = 0; i < count; i += kBlock) sum += sum_of(weights, weigh_block(i));
    search.aim_at(sum);
  }
  double mass = search.above;
  std::size_t last = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % kBlock == 0) weigh_block(i);
    last = i;
    mass += static_cast<double>(weights[i % kBlock]);
    if (mass >= *search.aim) break;
  }
  const auto equals = std::equal_range(work, end, work[last], std::greater<>());
  const auto kept = static_cast<std::size_t>(work + last + 1 - equals.first);
  return {work[last], kept, static_cast<std::size_t>(equals.second - equals.first) - kept};
}

// The bin in which the aim is reached, or the last one with any weight. Moves `above` there.
std::size_t bin_of_aim(const double* sums, Search& search) {
  double above = search.above;
  std::size_t bin = 0;
  for (std::size_t b = 0; b < kBins; ++b) {
    if (sums[b] == 0) continue;
    bin = b;
    search.above = above;
    above += sums[b];
    if (above >= *search.aim) break;
  }
  return bin;
}

Cut cut_at(Search search, const Weighing& weighing, float* work) {
  constexpr std::size_t kFew = 128;  // sorted sooner than 256 bins are made and read
  while (search.count > kFew) {
    const Range range = range_of(search.logits, search.count);
    if (range.low == range.high) return cut_of_equals(search, weighing, range.high);
    const Bins bins = bins_of(range, weighing);
    double sums[kBins];
    add_up(search.logits, search.count, weighing, bins, sums);
    if (!search.aim) search.aim_at(std::accumulate(sums, sums + kBins, 0.0));
    const std::size_t bin = bin_of_aim(sums, search);
    const std::size_t inside = collect_bin(search.logits, search.count, bins, bin, work);
    const bool is_smaller = inside < search.count;
    search.logits = work;
    search.count = inside;
    if (!is_smaller) break;  // nearer to each other than bins can be
  }
  return cut_by_sorting(search, weighing, work);
}

Cut cut_at_count(const float* logits, std::size_t V, std::size_t k, float* work) {
  return cut_at({logits, V, 0, static_cast<double>(k), 0}, {true, 0, 1}, work);
}

Cut cut_at_mass(const float* logits, std::size_t V, float most, float temperature, double p,
                float* work) {
  return cut_at({logits, V, 0, std::nullopt, p}, {false, most, temperature}, work);
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {
HWY_EXPORT(block_maxima);
HWY_EXPORT(collect);
HWY_EXPORT(keep_allowed);
HWY_EXPORT(cut_at_count);
HWY_EXPORT(cut_at_mass);
}  // namespace

float block_maxima(const float* logits, std::size_t V, float* maxima) {
  assert(V >= 1);
  return XLSTM_DISPATCH(block_maxima)(logits, V, maxima);
}

std::size_t collect(const float* logits, std::size_t V, const float* maxima, float least,
                    float* values, std::int32_t* ids) {
  return XLSTM_DISPATCH(collect)(logits, V, maxima, least, values, ids);
}

void keep_allowed(const float* logits, std::size_t V, const std::uint64_t* allowed, float* to) {
  XLSTM_DISPATCH(keep_allowed)(logits, V, allowed, to);
}

Cut cut_at_count(const float* logits, std::size_t V, std::size_t k, float* work) {
  assert(V >= 1 && k >= 1);
  return XLSTM_DISPATCH(cut_at_count)(logits, V, k, work);
}

Cut cut_at_mass(const float* logits, std::size_t V, float most, float temperature, double p,
                float* work) {
  assert(V >= 1 && temperature > 0 && p > 0 && p <= 1);
  return XLSTM_DISPATCH(cut_at_mass)(logits, V, most, temperature, p, work);
}

}  // namespace xlstm::kernels
#endif
