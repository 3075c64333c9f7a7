// Many rows of x: blocks of K, in which W is transposed to float32 panels [k][columns] and rows of
// x are copied together; the inner kernel multiplies a tile of rows, each float broadcast, with a
// panel. Included once for each SIMD target.
#if defined(XLSTM_LINEAR_PANEL_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_LINEAR_PANEL_INL
#undef XLSTM_LINEAR_PANEL_INL
#else
#define XLSTM_LINEAR_PANEL_INL
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "xlstm/kernels/linear/linear_args.h"
#include "xlstm/kernels/linear/linear_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

// Tile of accumulators: kTileRows x kTileVectors, beside kTileVectors of W and one of x.
constexpr int kTileRows = kManyRegisters ? 14 : 6;
constexpr int kTileVectors = 2;
constexpr std::size_t kTileColumns = kTileVectors * kLanes;

// Block b (4 lanes) of `v` to `to` + b * 4 * kTileColumns.
HWY_INLINE void store_blocks(hn::Vec<QuadTag> v, float* to) {
  hn::StoreU(v, QuadTag(), to);
}
#if HWY_MAX_BYTES > 16
template <class V>
HWY_INLINE void store_blocks(V v, float* to) {
  const hn::Half<hn::DFromV<V>> half;
  store_blocks(hn::LowerHalf(half, v), to);
  store_blocks(hn::UpperHalf(half, v), to + hn::MaxLanes(half) * kTileColumns);
}
#endif

// kLanes weights of each of 4 rows, transposed: to[j * kTileColumns + r] = rows[r][k + j].
template <class Weights>
HWY_INLINE void transpose_rows(const typename Weights::Raw* const* rows, std::size_t k, float* to) {
  const VectorTag d;
  const hn::Repartition<double, VectorTag> pairs;
  const Vector r0 = load_weights<Weights>(rows[0] + k), r1 = load_weights<Weights>(rows[1] + k);
  const Vector r2 = load_weights<Weights>(rows[2] + k), r3 = load_weights<Weights>(rows[3] + k);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
  // Block b of the j-th of these: the four rows at k + 4 b + j.
  store_blocks(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), to);
  store_blocks(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), to + kTileColumns);
  store_blocks(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), to + 2 * kTileColumns);
  store_blocks(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), to + 3 * kTileColumns);
}

// 4 rows of weights -> 4 columns of a panel, from k to `end`; what is left of a vector is filled up
// with zeros, for which the panel has room.
template <class Weights>
HWY_INLINE void pack_4_columns(const typename Weights::Raw* const* rows, std::size_t k,
                               std::size_t end, float* panel) {
  using Raw = typename Weights::Raw;
  for (; k + kLanes <= end; k += kLanes) transpose_rows<Weights>(rows, k, panel + k * kTileColumns);
  if (k == end) return;
  Raw last[4][kLanes] = {};
  for (int r = 0; r < 4; ++r) std::memcpy(last[r], rows[r] + k, (end - k) * sizeof(Raw));
  const Raw* const last_rows[] = {last[0], last[1], last[2], last[3]};
  transpose_rows<Weights>(last_rows, 0, panel + k * kTileColumns);
}

// Weights [n0, n0 + columns) x [k0, k0 + depth) -> panel [depth, kTileColumns]. Columns that are
// not wanted repeat the last one.
template <class Weights>
void pack_weights(const LinearArgs& a, std::size_t n0, std::size_t columns, std::size_t k0,
                  std::size_t depth, float* panel) {
  using Raw = typename Weights::Raw;
  const Raw* rows[kTileColumns];
  for (std::size_t n = 0; n < kTileColumns; ++n) {
    rows[n] = static_cast<const Raw*>(a.W) + (n0 + std::min(n, columns - 1)) * a.K + k0;
  }
  constexpr std::size_t kChunk = 64;  // of k: the part of the panel being written stays in L1
  for (std::size_t k = 0; k < depth; k += kChunk) {
    const std::size_t end = std::min(k + kChunk, depth);
    for (std::size_t n = 0; n < kTileColumns; n += 4) {
      pack_4_columns<Weights>(rows + n, k, end, panel + n);
    }
  }
}

void pack_weights(const LinearArgs& a, std::size_t n0, std::size_t columns, std::size_t k0,
                  std::size_t depth, float* panel) {
  switch (a.type) {
    case WeightType::kF32:
      return pack_weights<F32Weights>(a, n0, columns, k0, depth, panel);
    case WeightType::kBF16:
      return pack_weights<BF16Weights>(a, n0, columns, k0, depth, panel);
    case WeightType::kF16:
      return pack_weights<F16Weights>(a, n0, columns, k0, depth, panel);
  }
}

// x [m0, m1) x [k0, k0 + depth) -> panel [rows, kPanelStride].
void pack_rows(const LinearArgs& a, std::size_t m0, std::size_t m1, std::size_t k0,
               std::size_t depth, float* panel) {
  for (std::size_t m = m0; m < m1; ++m, panel += kPanelStride) {
    const float* const row = a.x + static_cast<std::ptrdiff_t>(m) * a.x_stride + k0;
    std::memcpy(panel, row, depth * sizeof(float));
  }
}

// What a tile writes to.
struct TileOutput {
  float* y;
  std::ptrdiff_t y_stride;
  const float* bias;    // of the tile's columns, or nullptr
  std::size_t columns;  // <= kTileColumns
  bool first;           // block of K: y is set, not added to
};

// One vector of a tile: columns [n, n + kLanes) of one row.
HWY_INLINE void store_vector(const TileOutput& out, std::ptrdiff_t row, std::size_t n, Vector sum) {
  const VectorTag d;
  float* const y = out.y + row * out.y_stride + n;
  if (n + kLanes <= out.columns) {
    if (!out.first) {
      sum = hn::Add(hn::LoadU(d, y), sum);
    } else if (out.bias != nullptr) {
      sum = hn::Add(hn::LoadU(d, out.bias + n), sum);
    }
    return hn::StoreU(sum, d, y);
  }
  float each[kLanes];
  hn::StoreU(sum, d, each);
  for (std::size_t at = n; at < out.columns; ++at) {
    const float before = !out.first ? y[at - n] : out.bias != nullptr ? out.bias[at] : 0.0F;
    y[at - n] = before + each[at - n];
  }
}

// The weights of the next panel, a line at a time: they lie in short pieces, which the processor
// does not fetch ahead by itself.
class NextWeights {
 public:
  // `rows` pieces of `piece` bytes, each `stride` bytes behind the one before.
  NextWeights(const void* first, std::size_t rows, std::size_t piece, std::size_t stride)
      : line_(static_cast<const std::byte*>(first)),
        lines_(piece / kLine + 1),
        left_(lines_),
        rows_(rows),
        jump_(static_cast<std::ptrdiff_t>(stride) - static_cast<std::ptrdiff_t>(lines_ * kLine)),
        move_(rows > 0 ? kLine : 0) {}

  HWY_INLINE void fetch_line() {
    __builtin_prefetch(line_, 0, 2);
    line_ += move_;
    if (--left_ == 0) next_row();
  }

 private:
  static constexpr std::ptrdiff_t kLine = 64;

  void next_row() {
    left_ = lines_;
    if (rows_ > 1) {
      --rows_;
      line_ += jump_;
    } else {
      move_ = 0;
    }
  }

  const std::byte* line_;
  std::size_t lines_, left_, rows_;
  std::ptrdiff_t jump_, move_;
};

template <int MR>
void multiply_tile(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w, std::size_t depth,
                   NextWeights& next_weights, const TileOutput& out) {
  const VectorTag d;
  NextWeights next = next_weights;
  Vector sum[MR][kTileVectors];
  unrolled<MR>([&](auto m) HWY_ATTR {
    // The rows of y lie far apart: have them here when they are wanted.
    hwy::Prefetch(out.y + m * out.y_stride);
    hwy::Prefetch(out.y + m * out.y_stride + (out.columns - 1));
    sum[m][0] = hn::Zero(d);
    sum[m][1] = hn::Zero(d);
  });
  for (std::size_t k = 0; k < depth; ++k, ++x, w += kTileColumns) {
    next.fetch_line();
    const Vector w0 = hn::Load(d, w);
    const Vector w1 = hn::Load(d, w + kLanes);
    unrolled<MR>([&](auto m) HWY_ATTR {
      const Vector row = hn::Set(d, x[m * kPanelStride]);
      sum[m][0] = hn::MulAdd(row, w0, sum[m][0]);
      sum[m][1] = hn::MulAdd(row, w1, sum[m][1]);
    });
  }
  unrolled<MR>([&](auto m) HWY_ATTR {
    store_vector(out, m, 0, sum[m][0]);
    store_vector(out, m, kLanes, sum[m][1]);
  });
  next_weights = next;
}

using MultiplyTile = void (*)(const float*, const float*, std::size_t, NextWeights&,
                              const TileOutput&);

template <int... Less>
MultiplyTile tile_of_height(std::size_t rows, std::integer_sequence<int, Less...>) {
  static constexpr MultiplyTile kTiles[] = {multiply_tile<Less + 1>...};
  return kTiles[rows - 1];
}

// All rows of a block against one panel of weights, in tiles of nearly the same height.
HWY_INLINE void multiply_rows(const float* x_panel, std::size_t rows, const float* w_panel,
                              std::size_t depth, NextWeights next, TileOutput out) {
  const std::size_t tiles = (rows + kTileRows - 1) / kTileRows;
  float* const y = out.y;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t begin = rows * tile / tiles;
    const std::size_t height = rows * (tile + 1) / tiles - begin;
    out.y = y + static_cast<std::ptrdiff_t>(begin) * out.y_stride;
    tile_of_height(height, std::make_integer_sequence<int, kTileRows>())(
        x_panel + begin * kPanelStride, w_panel, depth, next, out);
  }
}

// The weights that come after those of columns [n, n + kTileColumns) at k0: of the next columns, or
// of the next block of K.
NextWeights weights_after(const LinearArgs& a, const LinearPart& part, std::size_t n,
                          std::size_t k0, std::size_t depth) {
  n += kTileColumns;
  if (n >= part.n1) {
    n = part.n0;
    k0 += depth;
  }
  if (k0 >= a.K) return {a.W, 0, 0, 0};
  const std::size_t size = weight_bytes(a.type);
  const std::size_t rows = std::min(kTileColumns, part.n1 - n);
  return {static_cast<const std::byte*>(a.W) + (n * a.K + k0) * size, rows,
          std::min(depth, a.K - k0) * size, a.K * size};
}

// scratch: [kPanelDepth, panel_columns()] and [rows up to kPanelRows, kPanelStride] floats, aligned
// to vectors.
void panel_part(const LinearArgs& a, const LinearPart& part, float* scratch) {
  float* const w_panel = scratch;
  float* const x_panel = scratch + kPanelDepth * kTileColumns;
  const std::size_t blocks = (a.K + kPanelDepth - 1) / kPanelDepth;
  const std::size_t even_depth = (a.K + blocks * kLanes - 1) / (blocks * kLanes) * kLanes;
  for (std::size_t m0 = part.m0; m0 < part.m1; m0 += kPanelRows) {
    const std::size_t m1 = std::min(m0 + kPanelRows, part.m1);
    for (std::size_t k0 = 0; k0 < a.K; k0 += even_depth) {
      const std::size_t depth = std::min(even_depth, a.K - k0);
      pack_rows(a, m0, m1, k0, depth, x_panel);
      for (std::size_t n = part.n0; n < part.n1; n += kTileColumns) {
        const std::size_t columns = std::min(kTileColumns, part.n1 - n);
        pack_weights(a, n, columns, k0, depth, w_panel);
        float* const y = a.y + static_cast<std::ptrdiff_t>(m0) * a.y_stride + n;
        const float* const bias = a.bias != nullptr ? a.bias + n : nullptr;
        multiply_rows(x_panel, m1 - m0, w_panel, depth, weights_after(a, part, n, k0, depth),
                      {y, a.y_stride, bias, columns, k0 == 0});
      }
    }
  }
}

std::size_t panel_columns() {
  return kTileColumns;
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
