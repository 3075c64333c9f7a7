// Rows of W times packed rows of x. Each output has one accumulator, whose lanes are added at the
// end in a fixed order, so that an output does not depend on the tile it was computed in. Included
// once for each SIMD target.
#if defined(XLSTM_QUANTIZED_ROWS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_QUANTIZED_ROWS_INL
#undef XLSTM_QUANTIZED_ROWS_INL
#else
#define XLSTM_QUANTIZED_ROWS_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <bit>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/linear/interleaved_rows.h"
#include "xlstm/kernels/linear/lane_sums-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_codes-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_factors-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/quantized_linear/quantized_pack-inl.h"
#include "xlstm/kernels/vector/tile_rows.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

constexpr int kMostTileRows = kManyRegisters ? 4 : 2;

// Rows of W that go together with MR rows of x.
template <int MR>
constexpr int tile_columns() {
  return kManyRegisters && MR == 1 ? 8 : 4;
}

// What is the same for all tiles of a range.
struct Walk {
  explicit Walk(const QuantizedRange& a)
      : group_shift(std::countr_zero(static_cast<unsigned>(a.W.format.group_size))),
        groups(a.K >> group_shift),
        row_bytes(a.K / 8 * static_cast<std::size_t>(a.W.format.bits)) {}
  int group_shift;
  std::size_t groups, row_bytes;
};

// Scales of groups to the lanes of units, by a shuffle, or, where every unit is in one group
// (kInOneGroup), by a broadcast from memory, which leaves the shuffles to those who need them more.
template <int MR, int R, bool kInOneGroup>
struct LaneScales {
  HWY_INLINE LaneScales() {}  // GCC takes an implicit one for a function of no target
  HWY_INLINE void set(int m, int r, Vector factors) {
    if constexpr (kInOneGroup) {
      hn::Store(factors, VectorTag(), memory[m][r]);
    } else {
      vector[m][r] = factors;
    }
  }
  HWY_INLINE Vector at(int m, int r, std::size_t group, hn::Vec<IntTag> lane_groups) const {
    const VectorTag d;
    if constexpr (kInOneGroup) {
      return hn::Set(d, memory[m][r][group]);
    } else {
      return hn::TableLookupLanes(vector[m][r], hn::IndicesFromVec(d, lane_groups));
    }
  }
  Vector vector[kInOneGroup ? 1 : MR][R];
  alignas(64) float memory[kInOneGroup ? MR : 1][R][kLanes];
};

// Prefetch distance.
constexpr std::size_t kPrefetchBytes = 1024;

// R rows of W, and behind each of them count - 1 more, times rows m0 .. m0 + MR of x.
template <class Codes, class AnyOf, int MR, int R, bool kInOneGroup>
void multiply_tile(const QuantizedRange& a, const Walk& walk, std::size_t m0,
                   const std::size_t (&rows)[R], std::size_t count) {
  constexpr std::size_t kUnit = Codes::kUnit;
  const VectorTag d;
  const IntTag di;
  const std::uint8_t* w[R];
  std::size_t row_groups[R];
  for (int r = 0; r < R; ++r) {
    w[r] = reinterpret_cast<const std::uint8_t*>(a.W.words) + rows[r] * walk.row_bytes;
    row_groups[r] = rows[r] * walk.groups;
  }
  const std::int8_t* const x = a.x.codes + m0 * a.x.code_stride;
  const float* const x_scales = a.x.scales + m0 * a.x.group_stride;
  const float* const x_sums = a.x.sums + m0 * a.x.group_stride;
  const auto lane_code = hn::Mul(hn::Iota(di, 0), hn::Set(di, static_cast<int>(kUnit / kLanes)));

  for (std::size_t set = 0; set < count; ++set) {
    Vector sum[MR][R];
    unrolled<MR>([&](auto m)
                     HWY_ATTR { unrolled<R>([&](auto r) HWY_ATTR { sum[m][r] = hn::Zero(d); }); });
    const std::int8_t* x_at = x;
    std::size_t w_at = set * walk.row_bytes;  // one index for all rows
    for (std::size_t g = 0; g < walk.groups; g += kLanes) {
      LaneScales<MR, R, kInOneGroup> scales;
      const std::size_t group = set * walk.groups + g;
      unrolled<R>([&](auto r) HWY_ATTR {
        const Factors factors = AnyOf::load(a.W, row_groups[r] + group, walk.groups - g);
        unrolled<MR>([&](auto m) HWY_ATTR {
          const std::size_t at = m * a.x.group_stride + g;
          scales.set(m, r, hn::Mul(factors.scale, hn::Load(d, x_scales + at)));
          sum[m][r] = hn::MulAdd(factors.bias, hn::Load(d, x_sums + at), sum[m][r]);
        });
      });
      const std::size_t first = g << walk.group_shift;
      const std::size_t codes =
          std::min(static_cast<std::size_t>(kLanes) << walk.group_shift, a.K - first);
      for (std::size_t k = 0; k < codes; k += kUnit) {
        const auto code = hn::Add(lane_code, hn::Set(di, static_cast<int>(k)));
        const auto groups = hn::ShiftRightSame(code, walk.group_shift);
        unrolled<R>([&](auto r) HWY_ATTR {
          __builtin_prefetch(w[r] + w_at + kPrefetchBytes, 0, 2);
          Fields parts[Codes::kParts];
          Codes::unpack(w[r] + w_at, parts);
          unrolled<MR>([&](auto m) HWY_ATTR {
            const Vector product = hn::ConvertTo(d, dot<Codes>(parts, x_at + m * a.x.code_stride));
            const Vector factor = scales.at(m, r, k >> walk.group_shift, groups);
            sum[m][r] = hn::MulAdd(product, factor, sum[m][r]);
          });
        });
        w_at += Codes::kUnitBytes;
        x_at += 2 * kUnit;
      }
    }
    unrolled<MR>([&](auto m) HWY_ATTR {
      float* const y = a.y + static_cast<std::ptrdiff_t>(m0 + m) * a.y_stride + set;
      store_row_sums(sum[m], rows, a.bias == nullptr ? nullptr : a.bias + set, y);
    });
  }
}

// The whole range.
template <class Codes, class AnyOf, int MR, bool kInOneGroup = false>
void multiply_sets(const QuantizedRange& a, std::size_t tiles) {
  constexpr int R = tile_columns<MR>();
  const Walk walk(a);
  const InterleavedRows<R> interleaved(a.n0, a.n1);
  const std::size_t end = begin_of_chunk(interleaved.sets(), a.chunk + 1, a.chunks);
  for (std::size_t set = begin_of_chunk(interleaved.sets(), a.chunk, a.chunks); set < end;) {
    std::size_t rows[R];
    interleaved.get(set, rows);
    // Sets that one tile goes through alone; several tiles of x find what they share in the cache.
    const std::size_t count = tiles == 1 && set < interleaved.whole_sets()
                                  ? std::min(end, interleaved.whole_sets()) - set
                                  : 1;
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const std::size_t m0 = a.M * tile / tiles;
      if (a.M * (tile + 1) / tiles - m0 == MR) {
        multiply_tile<Codes, AnyOf, MR, R, kInOneGroup>(a, walk, m0, rows, count);
      } else if constexpr (MR > 1) {
        multiply_tile<Codes, AnyOf, MR - 1, R, kInOneGroup>(a, walk, m0, rows, count);
      }
    }
    set += count;
  }
}

// Tiles of nearly the same height, at most kMostTileRows.
template <class Codes, class AnyOf>
void multiply_codes(const QuantizedRange& a) {
  const std::size_t tiles = ceil_div(a.M, kMostTileRows);
  with_tile_rows<2, kMostTileRows>(ceil_div(a.M, tiles), [&](auto rows) HWY_ATTR {
    multiply_sets<Codes, AnyOf, decltype(rows)::value>(a, tiles);
  });
}

// One row of x.
template <class Codes, class AnyOf>
void multiply_row(const QuantizedRange& a) {
  if constexpr (Codes::kUnit <= 64) {
    if (Codes::kUnit <= static_cast<std::size_t>(a.W.format.group_size))
      return multiply_sets<Codes, AnyOf, 1, true>(a, 1);
  }
  multiply_sets<Codes, AnyOf, 1>(a, 1);
}

void multiply_range(const QuantizedRange& a) {
  if (a.n0 == a.n1) return;
  with_codes(a.W.format, [&](auto codes) HWY_ATTR {
    using Codes = decltype(codes);
    if constexpr (Codes::kMxfp4) {
      return a.M == 1 ? multiply_row<Codes, Mxfp4Factors>(a)
                      : multiply_codes<Codes, Mxfp4Factors>(a);
    } else {
      if (a.M > 1) return multiply_codes<Codes, AnyFactors>(a);
      if (a.W.scale_type == WeightType::kBF16)
        return multiply_row<Codes, AffineFactors<BF16Weights>>(a);
      return multiply_row<Codes, AnyFactors>(a);
    }
  });
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
