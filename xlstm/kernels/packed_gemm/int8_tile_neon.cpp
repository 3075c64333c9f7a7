// Tiles of 8-bit whole numbers with SMMLA, or with SDOT where there is no SMMLA: `unit` neighbours
// along K, 8 or 4, are the units of panels,
//   x: [K / unit][rows] units of signed bytes, then [groups][rows] scales and [groups][rows] sums
//      of the bytes times the scale, float32; for SDOT rows are padded to fours,
//   W: four panels side by side, each [K / unit][8] units of signed codes, then [groups][32] scales
//      and [groups][32] biases.
// With w = s q + b and x = t p: sum_k x w = sum_groups t (s sum_k p q + b sum_k p). Codes of 8 bits
// become signed by taking 128 from them, and b is greater by 128 s.
#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/packed_gemm/neon-inl.h"

#ifdef XLSTM_NEON_DOTS
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "xlstm/kernels/packed_gemm/group_factors.h"
#include "xlstm/kernels/packed_gemm/x_scale.h"
#include "xlstm/kernels/quantized_linear/mxfp4_codes.h"
#include "xlstm/kernels/simd/simd.h"
#include "xlstm/kernels/vector/tile_rows.h"

namespace xlstm::kernels {
namespace {

constexpr std::size_t kRows = 12, kColumns = 32, kDepth = 2048, kDepthMultiple = 64;
constexpr std::size_t kBlock = 8;   // columns whose sums are in registers together
constexpr std::size_t kChunk = 16;  // elements that are packed together

// Scales of one group of x and what its sums, times these, are: [rows]; of W: [kBlock].
struct GroupFactors {
  const float *x_scales, *x_sums, *w_scales, *w_biases;
};

// total += x_scales (w_scales sum) + x_sums w_biases, [MR, kBlock].
template <int MR>
inline __attribute__((always_inline)) void add_scaled(const int32x4_t (&sum)[MR][2],
                                                      const GroupFactors& f, float* total) {
#pragma GCC unroll 12
  for (int m = 0; m < MR; ++m) {
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      float* const to = total + m * static_cast<int>(kBlock) + v * 4;
      const float32x4_t scaled = vmulq_f32(vcvtq_f32_s32(sum[m][v]), vld1q_f32(f.w_scales + v * 4));
      const float32x4_t with_bias =
          vfmaq_n_f32(vld1q_f32(to), vld1q_f32(f.w_biases + v * 4), f.x_sums[m]);
      vst1q_f32(to, vfmaq_n_f32(with_bias, scaled, f.x_scales[m]));
    }
  }
}

struct Matrices {
  static constexpr std::size_t kUnit = 8;
  static constexpr std::size_t stored_rows(std::size_t rows) { return rows; }

  template <int MR>
  static XLSTM_NEON_INT8 void add_group(const std::int8_t* x, const std::int8_t* w,
                                        std::size_t steps, const GroupFactors& f, float* total) {
    constexpr int kPairs = MR / 2;
    int32x4_t part[kPairs][4];  // of 2 rows and 2 columns each
#pragma GCC unroll 6
    for (int p = 0; p < kPairs; ++p) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) part[p][j] = vdupq_n_s32(0);
    }
    for (std::size_t u = 0; u < steps; ++u, x += MR * kUnit, w += kBlock * kUnit) {
      const int8x16_t columns[4] = {vld1q_s8(w), vld1q_s8(w + 16), vld1q_s8(w + 32),
                                    vld1q_s8(w + 48)};
#pragma GCC unroll 6
      for (int p = 0; p < kPairs; ++p) {
        const int8x16_t rows = vld1q_s8(x + p * 16);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) part[p][j] = vmmlaq_s32(part[p][j], rows, columns[j]);
      }
    }
    int32x4_t sum[MR][2];
#pragma GCC unroll 12
    for (int m = 0; m < MR; ++m) {
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        const auto left = vreinterpretq_s64_s32(part[m / 2][2 * v]);
        const auto right = vreinterpretq_s64_s32(part[m / 2][2 * v + 1]);
        sum[m][v] =
            vreinterpretq_s32_s64(m % 2 == 0 ? vzip1q_s64(left, right) : vzip2q_s64(left, right));
      }
    }
    add_scaled<MR>(sum, f, total);
  }
};

struct Dots {
  static constexpr std::size_t kUnit = 4;
  static constexpr std::size_t stored_rows(std::size_t rows) { return round_up(rows, 4); }

  // By itself: clang's intrinsics of this kind are macros, in which packs are not expanded.
  template <int MR, int Row>
  static inline __attribute__((always_inline)) XLSTM_NEON_DOT void add_row(
      int8x16_t left, int8x16_t right, int8x16_t rows, int32x4_t (&sum)[MR][2]) {
    sum[Row][0] = vdotq_laneq_s32(sum[Row][0], left, rows, Row % 4);
    sum[Row][1] = vdotq_laneq_s32(sum[Row][1], right, rows, Row % 4);
  }

  template <int MR, int... Row>
  static inline __attribute__((always_inline)) XLSTM_NEON_DOT void add_step(
      const std::int8_t* x, const std::int8_t* w, int32x4_t (&sum)[MR][2],
      std::integer_sequence<int, Row...>) {
    const int8x16_t left = vld1q_s8(w), right = vld1q_s8(w + 16);
    int8x16_t rows[(MR + 3) / 4];
#pragma GCC unroll 3
    for (int i = 0; i < (MR + 3) / 4; ++i) rows[i] = vld1q_s8(x + i * 16);
    (add_row<MR, Row>(left, right, rows[Row / 4], sum), ...);
  }

  template <int MR>
  static XLSTM_NEON_DOT void add_group(const std::int8_t* x, const std::int8_t* w,
                                       std::size_t steps, const GroupFactors& f, float* total) {
    int32x4_t sum[MR][2];
#pragma GCC unroll 12
    for (int m = 0; m < MR; ++m) sum[m][0] = sum[m][1] = vdupq_n_s32(0);
    for (std::size_t u = 0; u < steps; ++u, x += stored_rows(MR) * kUnit, w += kBlock * kUnit) {
      add_step<MR>(x, w, sum, std::make_integer_sequence<int, MR>());
    }
    add_scaled<MR>(sum, f, total);
  }
};

template <class Way>
std::size_t x_bytes(std::size_t rows, const KBlock& d) {
  return (d.depth + 2 * (d.depth / d.group) * sizeof(float)) * Way::stored_rows(rows);
}

std::size_t w_bytes(const KBlock& d) {
  return (d.depth + 2 * (d.depth / d.group) * sizeof(float)) * kColumns;
}

XScale scale_of(const float* x, std::size_t count) {
  const int32x4_t magnitude = vdupq_n_s32(0x7FFFFFFF);
  int32x4_t most = vdupq_n_s32(0);
  for (std::size_t k = 0; k < count; k += 4) {
    most = vmaxq_s32(most, vandq_s32(magnitude, vreinterpretq_s32_f32(vld1q_f32(x + k))));
  }
  return x_scale_of(vmaxvq_s32(most));
}

// kChunk floats as signed bytes.
int8x16_t quantized(const float* x, float inverse) {
  const auto four = [&](int at) {
    return vqmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + at), inverse)));
  };
  const int16x8_t low = vcombine_s16(four(0), four(4)), high = vcombine_s16(four(8), four(12));
  return vcombine_s8(vqmovn_s16(low), vqmovn_s16(high));
}

// kChunk bytes to units that lie `stride` units apart.
template <std::size_t kUnit>
void store_units(int8x16_t bytes, std::size_t stride, std::byte* to) {
  std::byte units[kChunk];
  vst1q_s8(reinterpret_cast<std::int8_t*>(units), bytes);
  for (std::size_t at = 0; at < kChunk; at += kUnit, to += stride * kUnit) {
    std::memcpy(to, units + at, kUnit);
  }
}

template <class Way>
void pack_x(const float* x, std::ptrdiff_t x_stride, std::size_t rows, std::size_t height,
            const KBlock& d, std::byte* to) {
  const std::size_t stored = Way::stored_rows(height), groups = d.depth / d.group;
  auto* const scales = reinterpret_cast<float*>(to + d.depth * stored);
  float* const sums = scales + groups * stored;
  std::memset(to, 0, x_bytes<Way>(height, d));
  for (std::size_t m = 0; m < rows; ++m) {
    const float* const row = x + static_cast<std::ptrdiff_t>(m) * x_stride;
    for (std::size_t group = 0; group < groups; ++group) {
      const std::size_t first = group * d.group;
      const XScale scale = scale_of(row + first, d.group);
      int sum = 0;
      for (std::size_t k = first; k < first + d.group; k += kChunk) {
        const int8x16_t bytes = quantized(row + k, scale.inverse);
        sum += vaddlvq_s8(bytes);
        store_units<Way::kUnit>(bytes, stored, to + k * stored + m * Way::kUnit);
      }
      scales[group * stored + m] = scale.scale;
      sums[group * stored + m] = scale.scale * static_cast<float>(sum);
    }
  }
}

template <class Way, int MR>
void multiply_rows(const std::byte* x, const std::byte* w, const KBlock& d, const float* before,
                   std::ptrdiff_t before_stride, float* out, std::ptrdiff_t out_stride) {
  constexpr std::size_t kStored = Way::stored_rows(MR);
  const std::size_t groups = d.depth / d.group, steps = d.group / Way::kUnit;
  const auto* const x_factors = reinterpret_cast<const float*>(x + d.depth * kStored);
  const auto* const w_factors = reinterpret_cast<const float*>(w + d.depth * kColumns);
  const auto* const x_codes = reinterpret_cast<const std::int8_t*>(x);
  for (std::size_t n = 0; n < kColumns; n += kBlock) {
    const auto* const w_codes = reinterpret_cast<const std::int8_t*>(w) + n * d.depth;
    float total[MR * kBlock];
    for (int m = 0; m < MR; ++m) {
      std::memcpy(total + m * static_cast<int>(kBlock),
                  before + m * before_stride + static_cast<std::ptrdiff_t>(n),
                  kBlock * sizeof(float));
    }
    for (std::size_t group = 0; group < groups; ++group) {
      const float* const x_scales = x_factors + group * kStored;
      const float* const w_scales = w_factors + group * kColumns + n;
      const GroupFactors f{x_scales, x_scales + groups * kStored, w_scales,
                           w_scales + groups * kColumns};
      Way::template add_group<MR>(x_codes + group * d.group * kStored,
                                  w_codes + group * d.group * kBlock, steps, f, total);
    }
    for (int m = 0; m < MR; ++m) {
      std::memcpy(out + m * out_stride + static_cast<std::ptrdiff_t>(n),
                  total + m * static_cast<int>(kBlock), kBlock * sizeof(float));
    }
  }
}

template <class Way>
void multiply(const std::byte* x, const std::byte* w, std::size_t height, const KBlock& d,
              const float* before, std::ptrdiff_t before_stride, float* out,
              std::ptrdiff_t out_stride) {
  with_tile_rows<6, kRows, 2>(height, [&](auto rows) {
    multiply_rows<Way, rows>(x, w, d, before, before_stride, out, out_stride);
  });
}

// How kChunk codes become signed bytes.
class Unpacking {
 public:
  explicit Unpacking(const Quantization& format)
      : bits_(format.bits), mxfp4_(format.mode == QuantizationMode::kMxfp4), places_(format.bits) {}

  // From `p` on; nothing is read from `end` on.
  int8x16_t codes(const std::byte* p, const std::byte* end) const {
    const uint8x16_t bytes = load(p, end);
    if (bits_ == 8) return vreinterpretq_s8_u8(veorq_u8(bytes, vdupq_n_u8(0x80)));
    const auto mask = static_cast<std::uint8_t>((1 << bits_) - 1);
    const uint8x16_t codes = vandq_u8(places_.spread(bytes), vdupq_n_u8(mask));
    return vreinterpretq_s8_u8(mxfp4_ ? vqtbl1q_u8(vld1q_u8(kMxfp4Codes), codes) : codes);
  }

 private:
  static uint8x16_t load(const std::byte* p, const std::byte* end) {
    if (end - p >= 16) return vld1q_u8(reinterpret_cast<const std::uint8_t*>(p));
    std::uint8_t bytes[16] = {};
    std::memcpy(bytes, p, static_cast<std::size_t>(end - p));
    return vld1q_u8(bytes);
  }

  int bits_;
  bool mxfp4_;
  CodePlaces places_;
};

template <class Way>
void pack_w(const QuantizedMatrix& W, std::size_t K, std::size_t n, std::size_t columns,
            std::size_t k0, const KBlock& d, std::byte* panel) {
  const auto bits = static_cast<std::size_t>(W.format.bits);
  const auto* const codes = reinterpret_cast<const std::byte*>(W.words);
  const std::byte* const end = codes + (n + columns) * K * bits / 8;
  const Unpacking how(W.format);
  const std::size_t groups = d.depth / d.group;
  auto* const scales = reinterpret_cast<float*>(panel + d.depth * kColumns);
  for (std::size_t c = 0; c < kColumns; ++c) {
    const std::size_t first = (n + (c < columns ? c : columns - 1)) * K + k0;
    const std::byte* from = codes + first * bits / 8;
    std::byte* to = panel + c / kBlock * kBlock * d.depth + c % kBlock * Way::kUnit;
    for (std::size_t k = 0; k < d.depth; k += kChunk, from += 2 * bits, to += kChunk * kBlock) {
      store_units<Way::kUnit>(how.codes(from, end), kBlock, to);
    }
    for (std::size_t group = 0; group < groups; ++group) {
      float* const scale = scales + group * kColumns + c;
      float* const bias = scale + groups * kColumns;
      put_group_factors(W, first / d.group + group, scale, bias);
      if (bits == 8) *bias = std::fma(128.0F, *scale, *bias);
    }
  }
}

template <class Way>
const Int8Tile* tile() {
  static constexpr Int8Tile kTile{
      {kRows, kColumns, kDepth, kDepthMultiple, x_bytes<Way>, w_bytes, pack_x<Way>, multiply<Way>},
      pack_w<Way>};
  return &kTile;
}

}  // namespace

const Int8Tile* int8_tile_neon() {
  if (has_simd(kNeonInt8Matrix)) return tile<Matrices>();
  return has_simd(kNeonDot) ? tile<Dots>() : nullptr;
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const Int8Tile* int8_tile_neon() {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
