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

#include "xlstm/kernels/linear/linear_args.h"
#include "xlstm/kernels/linear/linear_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

constexpr int kMostDotRows = kManyRegisters ? 6 : 3;
constexpr int kAhead = 2;  // rows of W that each tile of several fetches for the next ones

// Rows of W that go together with MR rows of x.
template <int MR>
constexpr int dot_columns() {
  return MR == 1 || (kManyRegisters && MR <= 3) ? 8 : 4;
}

HWY_INLINE hn::Vec<QuadTag> add_blocks(hn::Vec<QuadTag> sums) {
  return sums;
}
#if HWY_MAX_BYTES > 16
template <class V>
HWY_INLINE hn::Vec<QuadTag> add_blocks(V sums) {
  const hn::DFromV<V> d;
  const hn::Half<decltype(d)> half;
  return add_blocks(hn::Add(hn::LowerHalf(half, sums), hn::UpperHalf(half, sums)));
}
#endif

// {sum of a's lanes, of b's, of c's, of d's}; each sum in the same order.
HWY_INLINE hn::Vec<QuadTag> sums_of_lanes(Vector a, Vector b, Vector c, Vector e) {
  const VectorTag d;
  const hn::Repartition<double, VectorTag> pairs;
  const auto ab = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  const auto ce = hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e));
  const auto low = hn::InterleaveLower(pairs, hn::BitCast(pairs, ab), hn::BitCast(pairs, ce));
  const auto high = hn::InterleaveUpper(pairs, hn::BitCast(pairs, ab), hn::BitCast(pairs, ce));
  return add_blocks(hn::Add(hn::BitCast(d, low), hn::BitCast(d, high)));
}

HWY_INLINE void fetch(const void* p) {
  __builtin_prefetch(p, 0, 2);  // into the second cache: the first has no room to spare
}

// Rows of W that are wanted after these, to be fetched along the way.
template <class Raw, int Rows>
struct Ahead {
  const Raw* row[Rows];
};
template <class Raw>
struct Ahead<Raw, 0> {};

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

// The same for the last `left` < kLanes of K >= kLanes: lanes that were done before count as 0.
template <class Weights, int MR, int NR>
HWY_INLINE void dot_rest(const float* const (&x)[MR], const typename Weights::Raw* const (&w)[NR],
                         std::size_t K, std::size_t left, Vector (&sum)[MR][NR]) {
  const VectorTag d;
  const auto done = hn::FirstN(d, kLanes - left);
  unrolled<NR>([&](auto n) HWY_ATTR {
    const Vector weight = hn::IfThenZeroElse(done, load_weights<Weights>(w[n] + (K - kLanes)));
    unrolled<MR>([&](auto m) HWY_ATTR {
      const Vector row = hn::IfThenZeroElse(done, hn::LoadU(d, x[m] + (K - kLanes)));
      sum[m][n] = hn::MulAdd(row, weight, sum[m][n]);
    });
  });
}

template <class Weights, int MR, int NR, int AR>
HWY_INLINE void dot_sums(const float* const (&x)[MR], const typename Weights::Raw* const (&w)[NR],
                         const Ahead<typename Weights::Raw, AR>& ahead, std::size_t K,
                         Vector (&sum)[MR][NR]) {
  unrolled<MR>([&](auto m) HWY_ATTR {
    unrolled<NR>([&](auto n) HWY_ATTR { sum[m][n] = hn::Zero(VectorTag()); });
  });
  std::size_t k = 0;
  for (; k + kLanes <= K; k += kLanes) {
    if constexpr (AR > 0) unrolled<AR>([&](auto r) HWY_ATTR { fetch(ahead.row[r] + k); });
    dot_step<Weights, MR, NR>(x, w, k, sum);
  }
  if (k < K) dot_rest<Weights, MR, NR>(x, w, K, K - k, sum);
}

// Rows shorter than a vector, filled up with zeros.
template <class Raw, int R>
struct FilledRows {
  FilledRows(const Raw* const (&rows)[R], std::size_t K) {
    for (int r = 0; r < R; ++r) {
      if (K > 0) std::memcpy(memory[r], rows[r], K * sizeof(Raw));
      row[r] = memory[r];
    }
  }
  Raw memory[R][kLanes] = {};
  const Raw* row[R];
};

// Four outputs of one row, the first `columns` of them wanted.
HWY_INLINE void store_quad(hn::Vec<QuadTag> sums, const float* bias, float* y,
                           std::size_t columns) {
  const QuadTag quad;
  if (columns >= 4) {
    if (bias != nullptr) sums = hn::Add(sums, hn::LoadU(quad, bias));
    return hn::StoreU(sums, quad, y);
  }
  float each[4];
  hn::StoreU(sums, quad, each);
  for (std::size_t n = 0; n < columns; ++n) y[n] = each[n] + (bias != nullptr ? bias[n] : 0.0F);
}

// y[m0 .. m0 + MR, n0 .. n0 + columns], columns <= NR.
template <int MR, int NR>
HWY_INLINE void store_sums(const LinearArgs& a, std::size_t m0, std::size_t n0, std::size_t columns,
                           const Vector (&sum)[MR][NR]) {
  float* const y = a.y + static_cast<std::ptrdiff_t>(m0) * a.y_stride + n0;
  const float* const bias = a.bias != nullptr ? a.bias + n0 : nullptr;
  unrolled<MR>([&](auto m) HWY_ATTR {
    unrolled<NR / 4>([&](auto quad) HWY_ATTR {
      constexpr int n = decltype(quad)::value * 4;
      if (n >= columns) return;
      store_quad(sums_of_lanes(sum[m][n], sum[m][n + 1], sum[m][n + 2], sum[m][n + 3]),
                 bias != nullptr ? bias + n : nullptr, y + m * a.y_stride + n, columns - n);
    });
  });
}

// The tile at (m0, n0) of y, columns <= NR; AR rows of the weights that come after its own, from
// the ahead-th on, are fetched meanwhile.
template <class Weights, int MR, int NR, int AR>
void dot_tile(const LinearArgs& a, std::size_t m0, std::size_t n0, std::size_t columns,
              std::size_t ahead) {
  using Raw = typename Weights::Raw;
  const auto row_of_w = [&](std::size_t n) { return static_cast<const Raw*>(a.W) + n * a.K; };
  const float* x[MR];
  const Raw* w[NR];
  Ahead<Raw, AR> next;
  for (int m = 0; m < MR; ++m) x[m] = a.x + (static_cast<std::ptrdiff_t>(m0) + m) * a.x_stride;
  for (std::size_t n = 0; n < NR; ++n) {  // columns that are not wanted repeat the last one
    w[n] = row_of_w(n0 + std::min(n, columns - 1));
  }
  if constexpr (AR > 0) {
    for (std::size_t r = 0; r < AR; ++r) {
      next.row[r] = row_of_w(std::min(n0 + NR + ahead + r, a.N - 1));
    }
  }
  Vector sum[MR][NR];
  if (a.K >= kLanes) {
    dot_sums<Weights, MR, NR, AR>(x, w, next, a.K, sum);
  } else {
    const FilledRows<float, MR> filled_x(x, a.K);
    const FilledRows<Raw, NR> filled_w(w, a.K);
    dot_sums<Weights, MR, NR, 0>(filled_x.row, filled_w.row, {}, kLanes, sum);
  }
  store_sums<MR, NR>(a, m0, n0, columns, sum);
}

// One tile of rows: memory sets the pace, and the processor fetches ahead by itself.
template <class Weights, int MR>
void dot_one_tile(const LinearArgs& a, const LinearPart& part) {
  constexpr std::size_t NR = dot_columns<MR>();
  for (std::size_t n = part.n0; n < part.n1; n += NR) {
    dot_tile<Weights, MR, NR, 0>(a, part.m0, n, std::min(NR, part.n1 - n), 0);
  }
}

// Several: `tiles` of nearly the same height, at most MR. All but the first find their weights in
// the cache, and the time is used to fetch the next ones.
template <class Weights, int MR>
void dot_tiles(const LinearArgs& a, const LinearPart& part, std::size_t tiles) {
  constexpr std::size_t NR = dot_columns<MR>();
  const std::size_t rows = part.m1 - part.m0;
  for (std::size_t n = part.n0; n < part.n1; n += NR) {
    const std::size_t columns = std::min(NR, part.n1 - n);
    for (std::size_t tile = 0; tile < tiles; ++tile) {
      const std::size_t m0 = part.m0 + rows * tile / tiles;
      const std::size_t m1 = part.m0 + rows * (tile + 1) / tiles;
      const std::size_t ahead = NR * tile / tiles;
      if (m1 - m0 == MR) {
        dot_tile<Weights, MR, NR, kAhead>(a, m0, n, columns, ahead);
      } else {
        dot_tile<Weights, MR - 1, NR, kAhead>(a, m0, n, columns, ahead);
      }
    }
  }
}

// Calls for_height(constant) with the constant that is `height`, at most Most.
template <int Most, class ForHeight>
HWY_INLINE void with_height(std::size_t height, const ForHeight& for_height) {
  if constexpr (Most > 1) {
    if (height < Most) return with_height<Most - 1>(height, for_height);
  }
  for_height(std::integral_constant<int, Most>());
}

template <class Weights>
void dot_typed(const LinearArgs& a, const LinearPart& part) {
  const std::size_t rows = part.m1 - part.m0;
  const std::size_t tiles = (rows + kMostDotRows - 1) / kMostDotRows;
  const std::size_t height = (rows + tiles - 1) / tiles;
  with_height<kMostDotRows>(height, [&](auto constant) HWY_ATTR {
    constexpr int MR = decltype(constant)::value;
    if (tiles == 1) return dot_one_tile<Weights, MR>(a, part);
    // More rows than fit in one tile make at least two that are more than half as high.
    if constexpr (MR > kMostDotRows / 2) dot_tiles<Weights, MR>(a, part, tiles);
  });
}

void dot_part(const LinearArgs& a, const LinearPart& part) {
  switch (a.type) {
    case WeightType::kF32:
      return dot_typed<F32Weights>(a, part);
    case WeightType::kBF16:
      return dot_typed<BF16Weights>(a, part);
    case WeightType::kF16:
      return dot_typed<F16Weights>(a, part);
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
