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

#if HWY_TARGET != HWY_SCALAR
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

// x [m0, m1) x [k0, k0 + depth) -> panel [rows + 1, kPanelStride].
void pack_rows(const LinearArgs& a, std::size_t m0, std::size_t m1, std::size_t k0,
               std::size_t depth, float* panel) {
  for (std::size_t m = m0; m < m1; ++m, panel += kPanelStride) {
    const float* const row = a.x + static_cast<std::ptrdiff_t>(m) * a.x_stride + k0;
    std::memcpy(panel, row, depth * sizeof(float));
  }
  std::memset(panel, 0, depth * sizeof(float));  // tiles have even heights
}

// Floats of a tile's sums, whether they are in y or in a buffer of the tile's own.
struct TileRows {
  float* at;
  std::ptrdiff_t stride;
};

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

// out = before + x * w, MR rows of kTileColumns. `before` may be the same as `out`, or one row with
// stride 0.
template <int MR>
void multiply_tile(const float* HWY_RESTRICT x, const float* HWY_RESTRICT w, std::size_t depth,
                   NextWeights& next_weights, const float* before, std::ptrdiff_t before_stride,
                   const TileRows& out) {
  const VectorTag d;
  NextWeights next = next_weights;
  Vector sum[MR][kTileVectors];
  unrolled<MR>([&](auto m) HWY_ATTR {
    // The rows of y lie far apart: have them here when they are wanted.
    hwy::Prefetch(out.at + m * out.stride);
    hwy::Prefetch(out.at + m * out.stride + (kTileColumns - 1));
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
    const float* const from = before + m * before_stride;
    float* const to = out.at + m * out.stride;
    hn::StoreU(hn::Add(hn::LoadU(d, from), sum[m][0]), d, to);
    hn::StoreU(hn::Add(hn::LoadU(d, from + kLanes), sum[m][1]), d, to + kLanes);
  });
  next_weights = next;
}

// multiply_tile for an even number of rows.
using MultiplyTile = decltype(&multiply_tile<2>);
template <int... Less>
MultiplyTile tile_of_height(std::size_t rows, std::integer_sequence<int, Less...>) {
  static constexpr MultiplyTile kTiles[] = {multiply_tile<2 * Less + 2>...};
  return kTiles[rows / 2 - 1];
}

// One tile's place in y: `rows` x `columns`, at most kTileRows x kTileColumns.
struct TilePlace {
  float* y;
  std::ptrdiff_t y_stride;
  std::size_t rows, columns;
  const float* bias;  // [kTileColumns]; nullptr: y is added to
};

HWY_INLINE void multiply_at(const TilePlace& place, const float* x_panel, const float* w_panel,
                            std::size_t depth, NextWeights& next) {
  const std::size_t height = (place.rows + 1) / 2 * 2;
  const MultiplyTile multiply =
      tile_of_height(height, std::make_integer_sequence<int, kTileRows / 2>());
  const float* const first = place.bias;
  const TileRows y{place.y, place.y_stride};
  if (place.rows == height && place.columns == kTileColumns) {
    return first != nullptr ? multiply(x_panel, w_panel, depth, next, first, 0, y)
                            : multiply(x_panel, w_panel, depth, next, y.at, y.stride, y);
  }
  // The tile is larger than its place: by way of a buffer.
  constexpr std::ptrdiff_t kWidth = kTileColumns;
  float buffer[kTileRows * kTileColumns] = {};
  const auto row_of_y = [&](std::size_t m) {
    return y.at + static_cast<std::ptrdiff_t>(m) * y.stride;
  };
  const std::size_t bytes = place.columns * sizeof(float);
  if (first == nullptr) {
    for (std::size_t m = 0; m < place.rows; ++m) {
      std::memcpy(buffer + m * kTileColumns, row_of_y(m), bytes);
    }
  }
  multiply(x_panel, w_panel, depth, next, first != nullptr ? first : buffer,
           first != nullptr ? 0 : kWidth, {buffer, kWidth});
  for (std::size_t m = 0; m < place.rows; ++m) {
    std::memcpy(row_of_y(m), buffer + m * kTileColumns, bytes);
  }
}

// All rows of a block, place.rows of them, against one panel of weights, in tiles of nearly the
// same height.
HWY_INLINE void multiply_rows(TilePlace place, const float* x_panel, const float* w_panel,
                              std::size_t depth, NextWeights next) {
  const std::size_t rows = place.rows, pairs = (rows + 1) / 2;
  constexpr std::size_t kTilePairs = kTileRows / 2;
  const std::size_t tiles = (pairs + kTilePairs - 1) / kTilePairs;
  float* const y = place.y;
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t begin = pairs * tile / tiles * 2;
    const std::size_t end = std::min(pairs * (tile + 1) / tiles * 2, rows);
    place.y = y + static_cast<std::ptrdiff_t>(begin) * place.y_stride;
    place.rows = end - begin;
    multiply_at(place, x_panel + begin * kPanelStride, w_panel, depth, next);
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

// One block of K for rows [m0, m1), whose x is packed already.
void panel_block(const LinearArgs& a, const LinearPart& part, std::size_t k0, std::size_t depth,
                 const float* x_panel, float* w_panel) {
  for (std::size_t n = part.n0; n < part.n1; n += kTileColumns) {
    const std::size_t columns = std::min(kTileColumns, part.n1 - n);
    pack_weights(a, n, columns, k0, depth, w_panel);
    float bias[kTileColumns] = {};
    if (a.bias != nullptr) std::memcpy(bias, a.bias + n, columns * sizeof(float));
    float* const y = a.y + static_cast<std::ptrdiff_t>(part.m0) * a.y_stride + n;
    multiply_rows({y, a.y_stride, part.m1 - part.m0, columns, k0 == 0 ? bias : nullptr}, x_panel,
                  w_panel, depth, weights_after(a, part, n, k0, depth));
  }
}

// scratch: panel_floats() floats, aligned to vectors.
void panel_part(const LinearArgs& a, const LinearPart& part, float* scratch) {
  float* const w_panel = scratch;                               // [kPanelDepth, kTileColumns]
  float* const x_panel = scratch + kPanelDepth * kTileColumns;  // [rows + 1, kPanelStride]
  const std::size_t blocks = (a.K + kPanelDepth - 1) / kPanelDepth;
  const std::size_t even_depth = (a.K + blocks * kLanes - 1) / (blocks * kLanes) * kLanes;
  for (std::size_t m0 = part.m0; m0 < part.m1; m0 += kPanelRows) {
    const LinearPart rows{m0, std::min(m0 + kPanelRows, part.m1), part.n0, part.n1};
    for (std::size_t k0 = 0; k0 < a.K; k0 += even_depth) {
      const std::size_t depth = std::min(even_depth, a.K - k0);
      pack_rows(a, rows.m0, rows.m1, k0, depth, x_panel);
      panel_block(a, rows, k0, depth, x_panel, w_panel);
    }
  }
}

// Of scratch memory for calls of M rows.
std::size_t panel_floats(std::size_t M) {
  return kPanelDepth * kTileColumns + (std::min(M, kPanelRows) + 1) * kPanelStride;
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
