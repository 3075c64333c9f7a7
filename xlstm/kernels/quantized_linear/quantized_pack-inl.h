// Rows of x to whole numbers. Included once for each SIMD target.
#if defined(XLSTM_QUANTIZED_PACK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_QUANTIZED_PACK_INL
#undef XLSTM_QUANTIZED_PACK_INL
#else
#define XLSTM_QUANTIZED_PACK_INL
#endif

#include <hwy/highway.h>

#include <bit>
#include <cstring>
#include <limits>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/quantized_linear/quantized_codes-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

// Below it a group's numbers are taken for zeros, and the quotient below is finite.
constexpr float kLeastMagnitude = 0x1p-100F;

// The largest magnitude in x [count], NaN above all; compared as whole numbers, because vectors of
// floats do not agree on NaN.
HWY_INLINE float largest_magnitude(const float* x, std::size_t count) {
  const VectorTag d;
  const IntTag di;
  const auto magnitude = hn::Set(di, 0x7FFF'FFFF);
  auto most = hn::Zero(di);
  for (std::size_t k = 0; k < count; k += kLanes) {
    most = hn::Max(most, hn::And(hn::BitCast(di, hn::LoadU(d, x + k)), magnitude));
  }
  return std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(di, most)));
}

// codes[k] = round(x[k] * factor); returns their sum.
HWY_INLINE std::int32_t round_group(const float* x, std::size_t count, float factor,
                                    std::int16_t* codes) {
  const VectorTag d;
  const IntTag di;
  const hn::Rebind<std::int16_t, VectorTag> narrow;
  const auto factors = hn::Set(d, factor);
  auto sum = hn::Zero(di);
  for (std::size_t k = 0; k < count; k += kLanes) {
    const auto code = hn::NearestInt(hn::Mul(hn::LoadU(d, x + k), factors));
    sum = hn::Add(sum, code);
    hn::StoreU(hn::DemoteTo(narrow, code), narrow, codes + k);
  }
  return hn::GetLane(hn::SumOfLanes(di, sum));
}

void pack_group(const float* x, std::size_t count, float* scale, float* sum, std::int16_t* codes) {
  const float most = largest_magnitude(x, count);
  // Infinity or NaN: a scale that makes all of the row NaN.
  const bool finite = most <= std::numeric_limits<float>::max();
  if (!finite || most < kLeastMagnitude) {
    std::memset(codes, 0, count * sizeof *codes);
    *scale = *sum = finite ? 0.0F : std::numeric_limits<float>::quiet_NaN();
    return;
  }
  const std::int32_t codes_sum = round_group(x, count, static_cast<float>(kMostCode) / most, codes);
  *scale = most / static_cast<float>(kMostCode);
  *sum = *scale * static_cast<float>(codes_sum);
}

// Field i of part p of a unit: its code i * kParts + p. All upper bytes come before all lower ones.
#ifdef XLSTM_DOT_BYTES
// Codes as their two signed bytes.
HWY_INLINE void store_bytes(IntVector codes, std::int8_t* upper, std::int8_t* lower) {
  const hn::Rebind<std::int8_t, IntTag> bytes;
  const IntVector low = hn::ShiftRight<24>(hn::ShiftLeft<24>(codes));
  hn::StoreU(hn::DemoteTo(bytes, low), bytes, lower);
  hn::StoreU(hn::DemoteTo(bytes, hn::ShiftRight<8>(hn::Sub(codes, low))), bytes, upper);
}

template <int kParts>
HWY_INLINE void arrange_unit(const std::int16_t* codes, std::int8_t* upper) {
  const IntTag di;
  const hn::Rebind<std::int16_t, IntTag> half;
  std::int8_t* const lower = upper + kFields * kParts;
  for (std::size_t i = 0; i < kFields; i += kLanes) {
    if constexpr (kParts == 1) {
      store_bytes(hn::PromoteTo(di, hn::LoadU(half, codes + i)), upper + i, lower + i);
    } else if constexpr (kParts == 2) {
      const auto pairs =
          hn::BitCast(di, hn::LoadU(hn::Repartition<std::int16_t, VectorTag>(), codes + 2 * i));
      store_bytes(hn::ShiftRight<16>(hn::ShiftLeft<16>(pairs)), upper + i, lower + i);
      store_bytes(hn::ShiftRight<16>(pairs), upper + kFields + i, lower + kFields + i);
    } else {
      for (int p = 0; p < kParts; ++p) {
        std::int16_t part[kLanes];
        for (std::size_t l = 0; l < kLanes; ++l) {
          part[l] = codes[(i + l) * kParts + static_cast<std::size_t>(p)];
        }
        store_bytes(hn::PromoteTo(di, hn::LoadU(half, part)), upper + p * kFields + i,
                    lower + p * kFields + i);
      }
    }
  }
}
#else
template <int kParts>
void arrange_unit(const std::int16_t* HWY_RESTRICT codes, std::int8_t* HWY_RESTRICT to) {
  for (int p = 0; p < kParts; ++p) {
    for (std::size_t i = 0; i < kFields; ++i) {
      reinterpret_cast<std::int16_t*>(to)[p * kFields + i] = codes[i * kParts + p];
    }
  }
}
#endif

template <class Codes>
constexpr int arranged_parts() {
  return Codes::kUnitBytes == kVectorBytes ? Codes::kParts : 1;  // runs lie as they come
}

void pack_row(const float* x, std::size_t K, const Quantization& format, const PackedRows& to,
              std::int16_t* scratch) {
  const auto group = static_cast<std::size_t>(format.group_size);
  for (std::size_t g = 0; g < K / group; ++g) {
    pack_group(x + g * group, group, to.scales + g, to.sums + g, scratch + g * group);
  }
  with_codes(format, [&](auto codes) HWY_ATTR {
    constexpr std::size_t kUnit = decltype(codes)::kUnit;
    constexpr int kParts = arranged_parts<decltype(codes)>();
    const std::size_t whole = round_up(K, kUnit);
    std::memset(scratch + K, 0, (whole - K) * sizeof *scratch);
    for (std::size_t k = 0; k < whole; k += kFields * kParts) {
      arrange_unit<kParts>(scratch + k, to.codes + 2 * k);
    }
  });
}

std::size_t unit_of(const Quantization& format) {
  std::size_t unit = 0;
  with_codes(format, [&](auto codes) HWY_ATTR { unit = decltype(codes)::kUnit; });
  return unit;
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
