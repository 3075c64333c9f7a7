// The float32 tile and its packing. Included once for each SIMD target.
#if defined(XLSTM_FLOAT_TILE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_FLOAT_TILE_INL
#undef XLSTM_FLOAT_TILE_INL
#else
#define XLSTM_FLOAT_TILE_INL
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/linear/linear_weights-inl.h"
#include "xlstm/kernels/packed_gemm/micro_kernel.h"
#include "xlstm/kernels/vector/tile_rows.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

// Accumulators: kTileRows x kTileVectors, beside kTileVectors of W and one of x.
constexpr int kTileRows = kManyRegisters ? 14 : 6;
constexpr int kTileVectors = 2;
constexpr std::size_t kTileColumns = kTileVectors * kLanes;
constexpr std::size_t kTileDepth = 512;

// Block b (4 lanes) of `v` to `to` + b * 4 * stride.
HWY_INLINE void store_blocks(hn::Vec<QuadTag> v, float* to, std::size_t /*stride*/) {
  hn::StoreU(v, QuadTag(), to);
}
#if HWY_MAX_BYTES > 16
template <class V>
HWY_INLINE void store_blocks(V v, float* to, std::size_t stride) {
  const hn::Half<hn::DFromV<V>> half;
  store_blocks(hn::LowerHalf(half, v), to, stride);
  store_blocks(hn::UpperHalf(half, v), to + hn::MaxLanes(half) * stride, stride);
}
#endif

// kLanes numbers of each of 4 rows, transposed: to[j * stride + r] = rows[r][k + j].
template <class Weights>
HWY_INLINE void transpose_rows(const typename Weights::Raw* const* rows, std::size_t k, float* to,
                               std::size_t stride) {
  const VectorTag d;
  const hn::Repartition<double, VectorTag> pairs;
  const Vector r0 = load_weights<Weights>(rows[0] + k), r1 = load_weights<Weights>(rows[1] + k);
  const Vector r2 = load_weights<Weights>(rows[2] + k), r3 = load_weights<Weights>(rows[3] + k);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
  // Block b of the j-th of these: the four rows at k + 4 b + j.
  const auto store = [&](auto v, std::size_t j)
                         HWY_ATTR { store_blocks(hn::BitCast(d, v), to + j * stride, stride); };
  store(hn::InterleaveLower(pairs, low01, low23), 0);
  store(hn::InterleaveUpper(pairs, low01, low23), 1);
  store(hn::InterleaveLower(pairs, high01, high23), 2);
  store(hn::InterleaveUpper(pairs, high01, high23), 3);
}

// 4 rows of weights -> 4 columns of a panel, from k to `end`; the end is padded to a whole vector
// with zeros, for which the panel has room.
template <class Weights>
HWY_INLINE void pack_4_columns(const typename Weights::Raw* const* rows, std::size_t k,
                               std::size_t end, float* panel) {
  using Raw = typename Weights::Raw;
  for (; k + kLanes <= end; k += kLanes) {
    transpose_rows<Weights>(rows, k, panel + k * kTileColumns, kTileColumns);
  }
  if (k == end) return;
  Raw last[4][kLanes] = {};
  for (int r = 0; r < 4; ++r) std::memcpy(last[r], rows[r] + k, (end - k) * sizeof(Raw));
  const Raw* const last_rows[] = {last[0], last[1], last[2], last[3]};
  transpose_rows<Weights>(last_rows, 0, panel + k * kTileColumns, kTileColumns);
}

// Columns that are not wanted repeat the last one.
template <class Weights>
void pack_typed(const void* first, std::size_t stride, std::size_t columns, std::size_t depth,
                float* panel) {
  using Raw = typename Weights::Raw;
  const Raw* rows[kTileColumns];
  for (std::size_t n = 0; n < kTileColumns; ++n) {
    rows[n] = static_cast<const Raw*>(first) + std::min(n, columns - 1) * stride;
  }
  constexpr std::size_t kChunk = 64;  // of k: the part of the panel being written stays in L1
  for (std::size_t k = 0; k < depth; k += kChunk) {
    const std::size_t end = std::min(k + kChunk, depth);
    for (std::size_t n = 0; n < kTileColumns; n += 4) {
      pack_4_columns<Weights>(rows + n, k, end, panel + n);
    }
  }
}

void pack_panel(const void* rows, WeightType type, std::size_t stride, std::size_t columns,
                std::size_t depth, float* panel) {
  switch (type) {
    case WeightType::kF32:
      return pack_typed<F32Weights>(rows, stride, columns, depth, panel);
    case WeightType::kBF16:
      return pack_typed<BF16Weights>(rows, stride, columns, depth, panel);
    case WeightType::kF16:
      return pack_typed<F16Weights>(rows, stride, columns, depth, panel);
  }
}

std::size_t x_tile_bytes(std::size_t rows, const KBlock& d) {
  return rows * d.depth * sizeof(float);
}

std::size_t panel_bytes(const KBlock& d) {
  return round_up(d.depth, kLanes) * kTileColumns * sizeof(float);
}

// Rows go in fours, the last four of them again with some of those before.
void pack_x_tile(const float* x, std::ptrdiff_t x_stride, std::size_t rows, std::size_t height,
                 const KBlock& d, std::byte* tile) {
  constexpr std::size_t kChunk = 32;  // of k: what is written stays in L1
  static_assert(kChunk % kLanes == 0);
  auto* const to = reinterpret_cast<float*>(tile);
  const float zeros[kChunk] = {};
  for (std::size_t k0 = 0; k0 < d.depth; k0 += kChunk) {
    const std::size_t count = std::min(kChunk, d.depth - k0);
    for (std::size_t m = 0; m < height; m += 4) {
      const std::size_t first = std::min(m, height - 4);
      const float* four[4];
      for (std::size_t r = 0; r < 4; ++r) {
        const float* const row = x + static_cast<std::ptrdiff_t>(first + r) * x_stride + k0;
        four[r] = first + r < rows ? row : zeros;
        hwy::Prefetch(four[r] + 2 * kChunk);  // short stretches of rows that lie far apart
        hwy::Prefetch(four[r] + 2 * kChunk + kChunk / 2);
      }
      std::size_t k = 0;
      for (; k + kLanes <= count; k += kLanes) {
        transpose_rows<F32Weights>(four, k, to + (k0 + k) * height + first, height);
      }
      for (; k < count; ++k) {
        for (std::size_t r = 0; r < 4; ++r) to[(k0 + k) * height + first + r] = four[r][k];
      }
    }
  }
}

template <int MR>
void multiply_rows(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w, std::size_t depth,
                   const float* before, std::ptrdiff_t before_stride, float* out,
                   std::ptrdiff_t out_stride) {
  constexpr std::size_t kPrefetchSteps = 16;  // steps of k
  const VectorTag d;
  Vector sum[MR][kTileVectors];
  unrolled<MR>([&](auto m) HWY_ATTR {
    // The rows of y lie far apart: have them here when they are wanted.
    hwy::Prefetch(out + m * out_stride);
    hwy::Prefetch(out + m * out_stride + (kTileColumns - 1));
    sum[m][0] = hn::Zero(d);
    sum[m][1] = hn::Zero(d);
  });
  for (std::size_t k = 0; k < depth; ++k, x += MR, w += kTileColumns) {
    __builtin_prefetch(w + kPrefetchSteps * kTileColumns);
    if (kLanes * sizeof(float) == 64)
      __builtin_prefetch(w + kPrefetchSteps * kTileColumns + kLanes);
    __builtin_prefetch(x + kPrefetchSteps * MR);
    const Vector w0 = hn::Load(d, w);
    const Vector w1 = hn::Load(d, w + kLanes);
    unrolled<MR>([&](auto m) HWY_ATTR {
      const Vector row = hn::Set(d, x[m]);
      sum[m][0] = hn::MulAdd(row, w0, sum[m][0]);
      sum[m][1] = hn::MulAdd(row, w1, sum[m][1]);
    });
  }
  unrolled<MR>([&](auto m) HWY_ATTR {
    const float* const from = before + m * before_stride;
    float* const to = out + m * out_stride;
    hn::StoreU(hn::Add(hn::LoadU(d, from), sum[m][0]), d, to);
    hn::StoreU(hn::Add(hn::LoadU(d, from + kLanes), sum[m][1]), d, to + kLanes);
  });
}

void multiply_tile(const std::byte* x, const std::byte* w, std::size_t height, const KBlock& d,
                   const float* before, std::ptrdiff_t before_stride, float* out,
                   std::ptrdiff_t out_stride) {
  constexpr int kLeastRows = (kTileRows / 2 + 1) / 2 * 2;  // of the lower of two tiles
  with_tile_rows<kLeastRows, kTileRows, 2>(height, [&](auto rows) {
    multiply_rows<rows>(reinterpret_cast<const float*>(x), reinterpret_cast<const float*>(w),
                        d.depth, before, before_stride, out, out_stride);
  });
}

const MicroKernel* micro_kernel() {
  static constexpr MicroKernel kKernel{kTileRows,    kTileColumns, kTileDepth,  kLanes,
                                       x_tile_bytes, panel_bytes,  pack_x_tile, multiply_tile};
  return &kKernel;
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
