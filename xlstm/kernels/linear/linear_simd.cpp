// linear() for the machine at hand: the choice between few and many rows; few rows, and how they
// are divided among threads.
#include <algorithm>
#include <cassert>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/linear/interleaved_rows.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/linear/linear_args.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/linear/linear_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/linear/linear_dot-inl.h"
#include "xlstm/kernels/linear/linear_scalar-inl.h"

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(dot_range);

// Fewer columns than this are not worth a panel, however many rows.
constexpr std::size_t kFewestPanelColumns = 24;
// Columns of W that one thread gets at least, a multiple of which it gets: whole tiles of either
// way.
constexpr std::size_t kColumnMultiple = 32;

// Microseconds on one thread, roughly: weights come at 30 GB/s, products go at 50 GFMA/s.
double cost_us(const LinearArgs& a) {
  const double weights = static_cast<double>(a.N) * static_cast<double>(a.K);
  return std::max(weights * static_cast<double>(weight_bytes(a.type)) / 30e3,
                  weights * static_cast<double>(a.M) / 50e3);
}

std::size_t threads_for(const LinearArgs& a, std::size_t all) {
  constexpr double kWorthAThread = 10.0;  // microseconds
  const double most = cost_us(a) / kWorthAThread;
  return most >= static_cast<double>(all)
             ? all
             : std::max<std::size_t>(1, static_cast<std::size_t>(most));
}

// Threads along rows and along columns of y.
struct Grid {
  std::size_t rows = 1, columns = 1;
};

// Range `at` of a grid: multiples of rows and columns, nearly the same number in each.
LinearRange range_of(const LinearArgs& a, const Grid& grid, std::size_t row_multiple,
                     std::size_t at) {
  const auto border = [](std::size_t count, std::size_t multiple, std::size_t at_border,
                         std::size_t of) {
    return std::min(count, ceil_div(count, multiple) * at_border / of * multiple);
  };
  const std::size_t r = at / grid.columns, c = at % grid.columns;
  return {border(a.M, row_multiple, r, grid.rows), border(a.M, row_multiple, r + 1, grid.rows),
          border(a.N, kColumnMultiple, c, grid.columns),
          border(a.N, kColumnMultiple, c + 1, grid.columns)};
}

// The grid with the least work for its busiest thread, where packing a weight costs as much as
// multiplying it with `pack` rows.
Grid best_grid(const LinearArgs& a, std::size_t threads, std::size_t row_multiple,
               std::size_t pack) {
  Grid best;
  std::size_t least = static_cast<std::size_t>(-1);
  for (std::size_t rows = 1; rows <= threads; ++rows) {
    const std::size_t columns = std::min(threads / rows, ceil_div(a.N, kColumnMultiple));
    const std::size_t height = ceil_div(ceil_div(a.M, row_multiple), rows) * row_multiple;
    const std::size_t width = ceil_div(ceil_div(a.N, kColumnMultiple), columns) * kColumnMultiple;
    const std::size_t work = width * (height + pack);
    if (work < least) {
      least = work;
      best = {rows, columns};
    }
  }
  return best;
}

void linear_few_rows(ThreadPool& pool, const LinearArgs& a) {
  const auto run = XLSTM_DISPATCH(dot_range);
  const std::size_t threads = threads_for(a, pool.size());
  if (threads == 1) return run(a, {0, a.M, 0, a.N});
  constexpr std::size_t kRowMultiple = 6;
  const Grid grid = best_grid(a, threads, kRowMultiple, 1 + a.M);
  const std::size_t ranges = grid.rows * grid.columns;
  const auto run_chunk = [&](std::size_t at) {
    LinearRange range = range_of(a, grid, kRowMultiple, at / kChunksPerThread);
    range.chunk = at % kChunksPerThread;
    range.chunks = kChunksPerThread;
    run(a, range);
  };
  pool.parallel_for(ranges * kChunksPerThread, run_chunk, ranges);
}

}  // namespace

void linear(ThreadPool& pool, const float* x, std::ptrdiff_t x_stride, const void* W,
            WeightType type, const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
            std::size_t N, std::size_t K) {
  assert(M == 0 || N == 0 || (y != nullptr && (K == 0 || (x != nullptr && W != nullptr))));
  assert(M < 2 || (x_stride >= static_cast<std::ptrdiff_t>(K) &&
                   y_stride >= static_cast<std::ptrdiff_t>(N)));
  if (M == 0 || N == 0) return;
  const LinearArgs args{x, x_stride, W, type, bias, y, y_stride, M, N, K};
  if (M <= linear_dot_rows(type) || N < kFewestPanelColumns || K == 0) {
    linear_few_rows(pool, args);
  } else {
    linear_many_rows(pool, args);
  }
}

}  // namespace xlstm::kernels
#endif
