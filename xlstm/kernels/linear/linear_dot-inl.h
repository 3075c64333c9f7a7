// Few rows of x: rows of x and of W are multiplied as they lie, in vectors along K, and W is read
// once from memory. Each output has one accumulator, whose lanes are added at the end in a fixed
// order, so that an output does not depend on the tile it was computed in. Included once for each
// SIMD target.
#if defined(XLSTM_LINEAR_DOT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_LINEAR_DOT_INL
#undef XLSTM_LINEAR_DOT_INL
#else
#define XLSTM_LINEAR_DOT_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/linear/interleaved_rows.h"
#include "xlstm/kernels/linear/lane_sums-inl.h"
#include "xlstm/kernels/linear/linear_args.h"
#include "xlstm/kernels/linear/linear_weights-inl.h"
#include "xlstm/kernels/vector/tile_rows.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

constexpr int kMostDotRows = kManyRegisters ? 6 : 3;
constexpr int kPrefetchRows = 2;  // of W, that each tile of several prefetches for the next ones

// Rows of W that go together with MR rows of x.
template <int MR>
constexpr int dot_columns() {
  return MR == 1 || (kManyRegisters && MR == 2) ? 8 : 4;
}

// Rows of W that are wanted after these, prefetched meanwhile: without it even one tile of one
// row of x waits for memory, because the rows of W are short.
template <class Raw, int Rows>
struct Prefetch {
  // Steps of k for half a line. (Every line just once was slower: 24 against 29 GB/s in bf16.)
  static constexpr std::size_t kSteps = std::max<std::size_t>(1, 32 / (kLanes * sizeof(Raw)));

  HWY_INLINE void fetch(std::size_t k) const {
    if (kSteps > 1 && k / kLanes % kSteps != 0) return;
    for (int r = 0; r < Rows; ++r) {
      __builtin_prefetch(row[r] + k, 0,
                         2);  // into the second cache: the first has no room to spare
    }
  }

  const Raw* row[Rows];
};

// sum[m][n] += x[m][k..] * w[n][k..], lane by lane.
template <class Weights, int MR, int NR>
HWY_INLINE void dot_step(const float* const (&x)[MR], const typename Weights::Raw* const (&w)[NR],
                         std::size_t k, Vector (&sum)[MR][NR]) {
  const VectorTag d;
  Vector row[MR];
  unrolled<MR>([&](auto m) HWY_ATTR { row[m] = hn::LoadU(d, x[m] + k); });
  unrolled<NR>([&](auto n) HWY_ATTR {
    const Vector weight = load_weights<Weights>(w[n] + k);
    unrolled<MR>([&](auto m) HWY_ATTR { sum[m][n] = hn::MulAdd(row[m], weight, sum[m][n]); });
  });
}

// The ends of rows behind their whole vectors, padded with zeros.
template <class Raw, int R>
struct RowEnds {
  RowEnds() = default;
  // `row` is made to point here.
  void take(const Raw* (&row)[R], std::size_t from, std::size_t count) {
    for (int r = 0; r < R; ++r) {
      std::memset(memory[r], 0, sizeof memory[r]);
      std::memcpy(memory[r], row[r] + from, count * sizeof(Raw));
      row[r] = memory[r];
    }
  }
  Raw memory[R][kLanes];
};

template <class Weights, int MR, int NR, int AR>
HWY_INLINE void dot_sums(const float* (&x)[MR], const typename Weights::Raw* (&w)[NR],
                         const Prefetch<typename Weights::Raw, AR>& ahead, std::size_t K,
                         Vector (&sum)[MR][NR]) {
  RowEnds<float, MR> x_ends;
  RowEnds<typename Weights::Raw, NR> w_ends;
  unrolled<MR>([&](auto m) HWY_ATTR {
    unrolled<NR>([&](auto n) HWY_ATTR { sum[m][n] = hn::Zero(VectorTag()); });
  });
  const std::size_t left = K % kLanes;
  std::size_t end = K - left;
  for (bool ends = false;; ends = true) {  // whole vectors, then what is left
    for (std::size_t k = 0; k < end; k += kLanes) {
      // Not in a lambda: GCC takes one that does nothing else for one that does nothing.
      ahead.fetch(k);
      dot_step<Weights, MR, NR>(x, w, k, sum);
    }
    if (ends || left == 0) return;
    x_ends.take(x, end, left);
    w_ends.take(w, end, left);
    end = kLanes;
  }
}

// y[m0 .. m0 + MR, n0 .. n0 + columns], columns <= NR.
template <int MR, int NR>
HWY_INLINE void store_sums(const LinearArgs& a, std::size_t m0, std::size_t n0, std::size_t columns,
                           const Vector (&sum)[MR][NR]) {
  const QuadTag quad;
  float* const y = a.y + static_cast<std::ptrdiff_t>(m0) * a.y_stride + n0;
  float bias[NR] = {};
  if (a.bias != nullptr) std::memcpy(bias, a.bias + n0, columns * sizeof(float));
  float narrow[MR * NR];  // in place of y, where the tile is wider than it
  float* const out = columns == NR ? y : narrow;
  const std::ptrdiff_t stride = columns == NR ? a.y_stride : NR;
  unrolled<MR>([&](auto m) HWY_ATTR {
    unrolled<NR / 4>([&](auto at) HWY_ATTR {
      constexpr int n = decltype(at)::value * 4;
      const auto sums = sums_of_lanes(sum[m][n], sum[m][n + 1], sum[m][n + 2], sum[m][n + 3]);
      hn::StoreU(hn::Add(sums, hn::LoadU(quad, bias + n)), quad, out + m * stride + n);
    });
  });
  if (columns == NR) return;
  for (int m = 0; m < MR; ++m) {
    std::memcpy(y + m * a.y_stride, narrow + m * NR, columns * sizeof(float));
  }
}

// The tile at (m0, n0) of y, columns <= NR; AR rows of the weights that come after its own, from
// the ahead-th on, are prefetched meanwhile.
template <class Weights, int MR, int NR, int AR>
void dot_tile(const LinearArgs& a, std::size_t m0, std::size_t n0, std::size_t columns,
              std::size_t ahead) {
  using Raw = typename Weights::Raw;
  const auto row_of_w = [&](std::size_t n) { return static_cast<const Raw*>(a.W) + n * a.K; };
  const float* x[MR];
  const Raw* w[NR];
  Prefetch<Raw, AR> next;
  for (int m = 0; m < MR; ++m) x[m] = a.x + (static_cast<std::ptrdiff_t>(m0) + m) * a.x_stride;
  for (std::size_t n = 0; n < NR; ++n) {  // columns that are not wanted repeat the last one
    w[n] = row_of_w(n0 + std::min(n, columns - 1));
  }
  for (std::size_t r = 0; r < AR; ++r) {
    next.row[r] = row_of_w(std::min(n0 + NR + ahead + r, a.N - 1));
  }
  Vector sum[MR][NR];
  dot_sums<Weights, MR, NR, AR>(x, w, next, a.K, sum);
  store_sums<MR, NR>(a, m0, n0, columns, sum);
}

// One row of x times interleaved rows of W.
template <class Weights>
void dot_one_row(const LinearArgs& a, const LinearRange& range) {
  using Raw = typename Weights::Raw;
  constexpr int NR = dot_columns<1>();
  const InterleavedRows<NR> interleaved(range.n0, range.n1);
  const std::size_t end = begin_of_chunk(interleaved.sets(), range.chunk + 1, range.chunks);
  for (std::size_t set = begin_of_chunk(interleaved.sets(), range.chunk, range.chunks); set < end;
       ++set) {
    std::size_t n[NR];
    interleaved.get(set, n);
    const float* x[1] = {a.x + static_cast<std::ptrdiff_t>(range.m0) * a.x_stride};
    const Raw* w[NR];
    Prefetch<Raw, NR> next;
    for (int r = 0; r < NR; ++r) {
      w[r] = static_cast<const Raw*>(a.W) + n[r] * a.K;
      next.row[r] = static_cast<const Raw*>(a.W) + std::min(n[r] + 1, a.N - 1) * a.K;
    }
    Vector sum[1][NR];
    dot_sums<Weights, 1, NR, NR>(x, w, next, a.K, sum);
    store_row_sums(sum[0], n, a.bias, a.y + static_cast<std::ptrdiff_t>(range.m0) * a.y_stride);
  }
}

// Calls tile(n, columns) for the tiles of at most NR columns of the range.
template <std::size_t NR, class Tile>
HWY_INLINE void for_columns(const LinearRange& range, const Tile& tile) {
  const std::size_t all = ceil_div(range.n1 - range.n0, NR);
  const std::size_t end = begin_of_chunk(all, range.chunk + 1, range.chunks);
  for (std::size_t at = begin_of_chunk(all, range.chunk, range.chunks); at < end; ++at) {
    const std::size_t n = range.n0 + at * NR;
    tile(n, std::min(NR, range.n1 - n));
  }
}

// One tile of rows.
template <class Weights, int MR>
void dot_one_tile(const LinearArgs& a, const LinearRange& range) {
  constexpr std::size_t NR = dot_columns<MR>();
  for_columns<NR>(range, [&](std::size_t n, std::size_t columns) HWY_ATTR {
    dot_tile<Weights, MR, NR, static_cast<int>(NR)>(a, range.m0, n, columns, 0);
  });
}

// Several: `tiles` of nearly the same height, at most MR. All but the first find their weights in
// the cache, and the time is used to prefetch the next ones.
template <class Weights, int MR>
void dot_tiles(const LinearArgs& a, const LinearRange& range, std::size_t tiles) {
  constexpr std::size_t NR = dot_columns<MR>();
  const std::size_t rows = range.m1 - range.m0;
  for_columns<NR>(range, [&](std::size_t n, std::size_t columns) HWY_ATTR {
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const std::size_t m0 = range.m0 + rows * tile / tiles;
      const std::size_t m1 = range.m0 + rows * (tile + 1) / tiles;
      const std::size_t ahead = NR * tile / tiles;
      if (m1 - m0 == MR) {
        dot_tile<Weights, MR, NR, kPrefetchRows>(a, m0, n, columns, ahead);
      } else {
        dot_tile<Weights, MR - 1, NR, kPrefetchRows>(a, m0, n, columns, ahead);
      }
    }
  });
}

template <class Weights>
void dot_typed(const LinearArgs& a, const LinearRange& range) {
  const std::size_t rows = range.m1 - range.m0;
  if (rows == 0) return;
  const std::size_t tiles = ceil_div(rows, kMostDotRows);
  const std::size_t height = ceil_div(rows, tiles);
  with_tile_rows<1, kMostDotRows>(height, [&](auto constant) HWY_ATTR {
    constexpr int MR = decltype(constant)::value;
    if constexpr (MR == 1) return dot_one_row<Weights>(a, range);
    if (tiles == 1) return dot_one_tile<Weights, MR>(a, range);
    // More rows than fit in one tile make at least two that are more than half as high.
    if constexpr (MR > kMostDotRows / 2) dot_tiles<Weights, MR>(a, range, tiles);
  });
}

void dot_range(const LinearArgs& a, const LinearRange& range) {
  switch (a.type) {
    case WeightType::kF32:
      return dot_typed<F32Weights>(a, range);
    case WeightType::kBF16:
      return dot_typed<BF16Weights>(a, range);
    case WeightType::kF16:
      return dot_typed<F16Weights>(a, range);
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
