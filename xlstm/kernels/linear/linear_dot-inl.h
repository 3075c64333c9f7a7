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

constexpr std::size_t kMostDotRows = kManyRegisters ? 6 : 3;

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

// sum[m][n] += x[m][k..] * w[n][k..], lane by lane.
template <class Weights, int MR, int NR>
HWY_INLINE void dot_step(const float* const (&x)[MR], const typename Weights::Raw* const (&w)[NR],
                         std::size_t k, Vector (&sum)[MR][NR]) {
  const VectorTag d;
  Vector row[MR];
  for (int m = 0; m < MR; ++m) row[m] = hn::LoadU(d, x[m] + k);
  for (int n = 0; n < NR; ++n) {
    const Vector weight = load_weights<Weights>(w[n] + k);
    for (int m = 0; m < MR; ++m) sum[m][n] = hn::MulAdd(row[m], weight, sum[m][n]);
  }
}

// The same for the last `left` < kLanes of K >= kLanes: lanes that were done before count as 0.
template <class Weights, int MR, int NR>
HWY_INLINE void dot_rest(const float* const (&x)[MR], const typename Weights::Raw* const (&w)[NR],
                         std::size_t K, std::size_t left, Vector (&sum)[MR][NR]) {
  const VectorTag d;
  const auto done = hn::FirstN(d, kLanes - left);
  for (int n = 0; n < NR; ++n) {
    const Vector weight = load_weights<Weights>(w[n] + (K - kLanes));
    for (int m = 0; m < MR; ++m) {
      const Vector row = hn::IfThenZeroElse(done, hn::LoadU(d, x[m] + (K - kLanes)));
      sum[m][n] = hn::MulAdd(row, hn::IfThenZeroElse(done, weight), sum[m][n]);
    }
  }
}

template <class Weights, int MR, int NR>
HWY_INLINE void dot_sums(const float* const (&x)[MR], const typename Weights::Raw* const (&w)[NR],
                         std::size_t K, Vector (&sum)[MR][NR]) {
  for (int m = 0; m < MR; ++m) {
    for (int n = 0; n < NR; ++n) sum[m][n] = hn::Zero(VectorTag());
  }
  std::size_t k = 0;
  for (; k + kLanes <= K; k += kLanes) dot_step<Weights, MR, NR>(x, w, k, sum);
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

template <int MR, int NR>
HWY_INLINE void store_sums(const LinearArgs& a, std::size_t m0, std::size_t n0, std::size_t columns,
                           const Vector (&sum)[MR][NR]) {
  const QuadTag quad;
  for (int m = 0; m < MR; ++m) {
    float* const y = a.y + static_cast<std::ptrdiff_t>(m0 + m) * a.y_stride + n0;
    for (int n = 0; n < NR; n += 4) {
      auto sums = sums_of_lanes(sum[m][n], sum[m][n + 1], sum[m][n + 2], sum[m][n + 3]);
      if (static_cast<std::size_t>(n) + 4 <= columns) {
        if (a.bias != nullptr) sums = hn::Add(sums, hn::LoadU(quad, a.bias + n0 + n));
        hn::StoreU(sums, quad, y + n);
        continue;
      }
      float each[4];
      hn::StoreU(sums, quad, each);
      for (std::size_t at = n; at < columns; ++at) {
        y[at] = each[at - n] + (a.bias != nullptr ? a.bias[n0 + at] : 0.0F);
      }
      break;
    }
  }
}

// y[m0 .. m0 + MR, n0 .. n0 + columns], columns <= NR.
template <class Weights, int MR>
void dot_tile(const LinearArgs& a, std::size_t m0, std::size_t n0, std::size_t columns) {
  constexpr int NR = dot_columns<MR>();
  using Raw = typename Weights::Raw;
  const float* x[MR];
  const Raw* w[NR];
  for (int m = 0; m < MR; ++m) x[m] = a.x + static_cast<std::ptrdiff_t>(m0 + m) * a.x_stride;
  for (int n = 0; n < NR; ++n) {  // columns that are not wanted repeat the last one
    const std::size_t row = n0 + std::min(static_cast<std::size_t>(n), columns - 1);
    w[n] = static_cast<const Raw*>(a.W) + row * a.K;
  }
  Vector sum[MR][NR];
  if (a.K >= kLanes) {
    dot_sums<Weights, MR, NR>(x, w, a.K, sum);
  } else {
    const FilledRows<float, MR> filled_x(x, a.K);
    const FilledRows<Raw, NR> filled_w(w, a.K);
    dot_sums<Weights, MR, NR>(filled_x.row, filled_w.row, kLanes, sum);
  }
  store_sums<MR, NR>(a, m0, n0, columns, sum);
}

template <class Weights, int MR>
void dot_tiles(const LinearArgs& a, const LinearPart& part, std::size_t m_end) {
  constexpr std::size_t NR = dot_columns<MR>();
  for (std::size_t n = part.n0; n < part.n1; n += NR) {
    const std::size_t columns = std::min(NR, part.n1 - n);
    for (std::size_t m = part.m0; m < m_end; m += MR) dot_tile<Weights, MR>(a, m, n, columns);
  }
}

// As many rows as go evenly into tiles of the same height, and the rest by itself.
template <class Weights, int MR>
void dot_by_height(const LinearArgs& a, LinearPart part, std::size_t height) {
  if constexpr (MR > 1) {
    if (height < MR) return dot_by_height<Weights, MR - 1>(a, part, height);
  }
  const std::size_t even = (part.m1 - part.m0) / MR * MR;
  dot_tiles<Weights, MR>(a, part, part.m0 + even);
  part.m0 += even;
  if constexpr (MR > 1) {
    if (part.m0 < part.m1) dot_by_height<Weights, MR - 1>(a, part, part.m1 - part.m0);
  }
}

template <class Weights>
void dot_typed(const LinearArgs& a, const LinearPart& part) {
  const std::size_t rows = part.m1 - part.m0;
  const std::size_t tiles = (rows + kMostDotRows - 1) / kMostDotRows;
  dot_by_height<Weights, static_cast<int>(kMostDotRows)>(a, part, (rows + tiles - 1) / tiles);
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
