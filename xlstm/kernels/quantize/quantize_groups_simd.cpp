#include <algorithm>
#include <cmath>
#include <limits>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/quantize/quantize_groups.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/quantize/quantize_groups_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Groups are multiples of 32, so whole vectors of at most that many lanes.
using Tag = hn::CappedTag<float, 32>;
using IntTag = hn::RebindToSigned<Tag>;

constexpr float kLeastScale = 1e-7F;  // MLX's, for groups of one value

struct Affine {
  float scale, bias;
};

float rounded(float value, WeightType type) {
  if (type == WeightType::kF32) return value;
  if (type == WeightType::kBF16) return float_from_bf16(bf16_from_float(value));
  return float_from_f16(f16_from_float(value));
}

struct Range {
  float least, most;
};

Range range_of(const float* w, std::size_t size) {
  const Tag d;
  auto least = hn::LoadU(d, w);
  auto most = least;
  for (std::size_t i = hn::Lanes(d); i < size; i += hn::Lanes(d)) {
    const auto x = hn::LoadU(d, w + i);
    least = hn::Min(least, x);
    most = hn::Max(most, x);
  }
  return {hn::GetLane(hn::MinOfLanes(d, least)), hn::GetLane(hn::MaxOfLanes(d, most))};
}

// MLX's choice: the end that is farther from 0 is a code's value exactly, and 0 is a code.
Affine min_max(const Range& r, float most_code) {
  const bool below = std::abs(r.least) > std::abs(r.most);
  const float step = std::max((r.most - r.least) / most_code, kLeastScale);
  const float scale = below ? step : -step;
  const float edge = below ? r.least : r.most;
  const float zero = std::rint(edge / scale);
  if (zero == 0) return {scale, 0};
  return {edge / zero, edge};
}

// Codes of the elements, nearest to even, divided as MLX divides.
void encode(const GroupTask& t, const Affine& a, float most_code, std::uint32_t* codes) {
  const Tag d;
  const IntTag di;
  const auto size = static_cast<std::size_t>(t.format.group_size);
  const auto scale = hn::Set(d, a.scale), bias = hn::Set(d, a.bias);
  const auto zero = hn::Zero(d), most = hn::Set(d, most_code);
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    const auto x = hn::Round(hn::Div(hn::Sub(hn::LoadU(d, t.w + i), bias), scale));
    const auto code = hn::ConvertTo(di, hn::Min(hn::Max(x, zero), most));
    hn::StoreU(code, di, reinterpret_cast<std::int32_t*>(codes) + i);
  }
}

// Of the elements' distances r = w - (scale q + bias) from their nearest codes q: the weighted
// squared error and what a least squares fit to these codes needs.
struct Sums {
  float h = 0, hq = 0, hqq = 0;        // weights
  float hr = 0, hrq = 0, squared = 0;  // distances; `squared` is the error
};

Sums sums_of(const GroupTask& t, const Affine& a, float most_code) {
  const Tag d;
  const auto size = static_cast<std::size_t>(t.format.group_size);
  const auto scale = hn::Set(d, a.scale), bias = hn::Set(d, a.bias);
  const auto inverse = hn::Set(d, 1.0F / a.scale);
  const auto zero = hn::Zero(d), most = hn::Set(d, most_code);
  auto h = zero, hq = zero, hqq = zero, hr = zero, hrq = zero, squared = zero;
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    const auto w = hn::LoadU(d, t.w + i);
    const auto weight = hn::LoadU(d, t.importance + i);
    const auto x = hn::Round(hn::Mul(hn::Sub(w, bias), inverse));
    const auto q = hn::Min(hn::Max(x, zero), most);
    const auto r = hn::Sub(w, hn::MulAdd(q, scale, bias));
    const auto wq = hn::Mul(weight, q), wr = hn::Mul(weight, r);
    h = hn::Add(h, weight);
    hq = hn::Add(hq, wq);
    hqq = hn::MulAdd(wq, q, hqq);
    hr = hn::Add(hr, wr);
    hrq = hn::MulAdd(wr, q, hrq);
    squared = hn::MulAdd(wr, r, squared);
  }
  const auto sum = [&](auto v) { return hn::GetLane(hn::SumOfLanes(d, v)); };
  return {sum(h), sum(hq), sum(hqq), sum(hr), sum(hrq), sum(squared)};
}

// The scale and bias of least error for the codes that `s` was summed over.
Affine fitted(const Affine& a, const Sums& s) {
  const float determinant = s.hqq * s.h - s.hq * s.hq;
  if (!(determinant > 0)) return a;  // one code for all
  const float scale = (s.hrq * s.h - s.hr * s.hq) / determinant;
  const float bias = (s.hr * s.hqq - s.hrq * s.hq) / determinant;
  return {a.scale + scale, a.bias + bias};
}

// The best of what was tried, as the file can hold it.
class Best {
 public:
  Best(const GroupTask& task, float most_code) : task_(task), most_code_(most_code) {}

  // Rounds the scale both ways, lets the bias make up for it, and keeps the better.
  void try_near(const Affine& a, const Sums& s) {
    const float mean = s.h > 0 ? s.hq / s.h : 0;
    const float nearest = rounded(a.scale, task_.scale_type);
    try_scale(nearest, a.bias + (a.scale - nearest) * mean);
    if (task_.scale_type == WeightType::kF32) return;
    const float step = task_.scale_type == WeightType::kBF16 ? 1.0F / 128 : 1.0F / 1024;
    const float other = rounded(
        nearest + (a.scale > nearest ? 1.0F : -1.0F) * std::abs(a.scale) * step, task_.scale_type);
    if (other != nearest) try_scale(other, a.bias + (a.scale - other) * mean);
  }

  void try_scale(float scale, float bias) {
    const Affine a = {scale, rounded(bias, task_.scale_type)};
    if (scale == 0 || !std::isfinite(scale) || !std::isfinite(a.bias)) return;
    const float error = sums_of(task_, a, most_code_).squared;
    if (!(error < error_)) return;
    error_ = error;
    best_ = a;
  }

  bool found() const { return error_ < std::numeric_limits<float>::infinity(); }
  Affine value() const { return best_; }

 private:
  const GroupTask& task_;
  float most_code_;
  Affine best_ = {};
  float error_ = std::numeric_limits<float>::infinity();
};

// Shrunk ranges lose the ends and gain in between: with few codes much of the range is given up.
Affine search(const GroupTask& t, const Range& range, const Affine& start, float most_code) {
  Best best(t, most_code);
  best.try_scale(rounded(start.scale, t.scale_type), start.bias);
  const float middle = 0.5F * (range.least + range.most);
  const float width = std::max((range.most - range.least) / most_code, kLeastScale);
  const int tries = t.format.bits <= 4 ? 8 : 3;
  const float step = t.format.bits <= 2 ? 0.09F : t.format.bits <= 4 ? 0.05F : 0.01F;
  for (int i = 0; i < tries; ++i) {
    const float scale = width * (1.02F - step * static_cast<float>(i));
    Affine a = {scale, middle - 0.5F * scale * most_code};
    Sums s = sums_of(t, a, most_code);
    for (int round = 0; round < 2; ++round) {
      a = fitted(a, s);
      s = sums_of(t, a, most_code);
    }
    best.try_near(a, s);
  }
  return best.found() ? best.value() : start;
}

void affine_group(const GroupTask& t, QuantizedGroup& out) {
  const auto most_code = static_cast<float>((1 << t.format.bits) - 1);
  const Range range = range_of(t.w, static_cast<std::size_t>(t.format.group_size));
  Affine a = min_max(range, most_code);
  if (t.rounding == Rounding::kSearch) a = search(t, range, a, most_code);
  encode(t, a, most_code, out.codes);
  out.scale = rounded(a.scale, t.scale_type);
  out.bias = rounded(a.bias, t.scale_type);
}

// The E2M1 number nearest to |x| <= 6, the smaller of two as near (as MLX has it): steps of 0.5
// below 2, of 1 below 4, then of 2.
template <class D, class V>
HWY_INLINE V nearest_e2m1(D d, V magnitude) {
  const auto half = hn::Set(d, 0.5F), two = hn::Set(d, 2.0F), four = hn::Set(d, 4.0F);
  const auto x = hn::Min(magnitude, hn::Set(d, 6.0F));
  const auto nearest = [&](V y) { return hn::Ceil(hn::Sub(y, half)); };
  const auto fine = hn::Mul(nearest(hn::Mul(x, two)), half);
  const auto middle = nearest(x);
  const auto coarse = hn::Mul(nearest(hn::Mul(x, half)), two);
  return hn::IfThenElse(hn::Lt(x, two), fine, hn::IfThenElse(hn::Lt(x, four), middle, coarse));
}

// 2^exponent, also where that is below the normal floats.
float power(int exponent) {
  return std::ldexp(1.0F, exponent);
}

float mxfp4_error(const GroupTask& t, int exponent) {
  const Tag d;
  const float scale = power(exponent);
  const auto inverse = hn::Set(d, 1.0F / scale), back = hn::Set(d, scale);
  auto squared = hn::Zero(d);
  for (std::size_t i = 0; i < 32; i += hn::Lanes(d)) {
    const auto w = hn::Abs(hn::LoadU(d, t.w + i));
    const auto r = hn::Sub(w, hn::Mul(nearest_e2m1(d, hn::Mul(w, inverse)), back));
    squared = hn::MulAdd(hn::Mul(hn::LoadU(d, t.importance + i), r), r, squared);
  }
  return hn::GetLane(hn::SumOfLanes(d, squared));
}

void mxfp4_encode(const GroupTask& t, int exponent, std::uint32_t* codes) {
  const Tag d;
  const IntTag di;
  const auto scale = hn::Set(d, power(exponent));
  const auto two = hn::Set(d, 2.0F), four = hn::Set(d, 4.0F);
  for (std::size_t i = 0; i < 32; i += hn::Lanes(d)) {
    const auto w = hn::LoadU(d, t.w + i);
    const auto v = nearest_e2m1(d, hn::Abs(hn::Div(w, scale)));
    // 0, 0.5, 1, 1.5, 2, 3, 4, 6 are the codes 0 to 7.
    const auto high =
        hn::IfThenElse(hn::Lt(v, four), hn::Add(v, two), hn::MulAdd(v, hn::Set(d, 0.5F), four));
    const auto code = hn::ConvertTo(di, hn::IfThenElse(hn::Lt(v, two), hn::Mul(v, two), high));
    const auto zero = hn::Zero(d);
    const auto negative = hn::And(hn::Lt(w, zero), hn::Gt(v, zero));  // no -0
    const auto sign = hn::IfThenElseZero(negative, hn::Set(d, 8.0F));
    hn::StoreU(hn::Or(code, hn::ConvertTo(di, sign)), di,
               reinterpret_cast<std::int32_t*>(codes) + i);
  }
}

void mxfp4_group(const GroupTask& t, QuantizedGroup& out) {
  constexpr int kLeast = -127, kMost = 127;
  const Range range = range_of(t.w, 32);
  const float most = std::max(std::abs(range.least), std::abs(range.most));
  // The least power of two with which nothing is beyond 6.
  int exponent = 0;
  const float mantissa = std::frexp(most / 6.0F, &exponent);
  if (mantissa == 0.5F) --exponent;
  exponent = std::clamp(exponent, kLeast, kMost);
  constexpr int kFastest = -120;  // below, 1 / 2^exponent is no float any more
  if (t.rounding == Rounding::kSearch && exponent > kFastest) {
    if (mxfp4_error(t, exponent - 1) < mxfp4_error(t, exponent)) --exponent;
  }
  out.exponent = static_cast<std::uint8_t>(exponent + 127);
  mxfp4_encode(t, exponent, out.codes);
}

void quantize_one(const GroupTask& t, QuantizedGroup& out) {
  t.format.mode == QuantizationMode::kMxfp4 ? mxfp4_group(t, out) : affine_group(t, out);
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {

HWY_EXPORT(quantize_one);

void quantize_group(const GroupTask& task, QuantizedGroup& out) {
  XLSTM_DISPATCH(quantize_one)(task, out);
}

}  // namespace xlstm::kernels
#endif
