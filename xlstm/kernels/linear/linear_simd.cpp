// linear() for the machine at hand: which of the two ways a call goes; few rows, and who does which
// part of them.
#include <algorithm>

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
// Columns of W that one thread gets at least, and their granule: whole tiles of either way.
constexpr std::size_t kGranule = 32;

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

std::size_t granules(std::size_t count, std::size_t granule) {
  return (count + granule - 1) / granule;
}

// Threads along rows and along columns of y.
struct Grid {
  std::size_t rows = 1, columns = 1;
};

// Share `at` of a grid: whole granules, nearly the same number in each.
LinearRange range_of(const LinearArgs& a, const Grid& grid, std::size_t row_granule,
                     std::size_t at) {
  const auto border = [](std::size_t count, std::size_t granule, std::size_t part, std::size_t of) {
    return std::min(count, granules(count, granule) * part / of * granule);
  };
  const std::size_t r = at / grid.columns, c = at % grid.columns;
  return {border(a.M, row_granule, r, grid.rows), border(a.M, row_granule, r + 1, grid.rows),
          border(a.N, kGranule, c, grid.columns), border(a.N, kGranule, c + 1, grid.columns)};
}

// The grid with the least work for its busiest thread, where packing a weight costs as much as
// multiplying it with `pack` rows.
Grid best_grid(const LinearArgs& a, std::size_t threads, std::size_t row_granule,
               std::size_t pack) {
  Grid best;
  std::size_t least = static_cast<std::size_t>(-1);
  for (std::size_t rows = 1; rows <= threads; ++rows) {
    const std::size_t columns = std::min(threads / rows, granules(a.N, kGranule));
    const std::size_t height = granules(granules(a.M, row_granule), rows) * row_granule;
    const std::size_t width = granules(granules(a.N, kGranule), columns) * kGranule;
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
  constexpr std::size_t kRowGranule = 6;
  const Grid grid = best_grid(a, threads, kRowGranule, 1 + a.M);
  const std::size_t shares = grid.rows * grid.columns;
  const auto run_chunk = [&](std::size_t at) {
    LinearRange part = range_of(a, grid, kRowGranule, at / kChunksPerThread);
    part.chunk = at % kChunksPerThread;
    part.chunks = kChunksPerThread;
    run(a, part);
  };
  pool.parallel_for(shares * kChunksPerThread, run_chunk, shares);
}

}  // namespace

void linear(ThreadPool& pool, const float* x, std::ptrdiff_t x_stride, const void* W,
            WeightType type, const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
            std::size_t N, std::size_t K) {
  if (M == 0 || N == 0) return;
  const LinearArgs args{x, x_stride, W, type, bias, y, y_stride, M, N, K};
  if (M <= kLinearDotRows || N < kFewestPanelColumns || K == 0) {
    linear_few_rows(pool, args);
  } else {
    linear_many_rows(pool, args);
  }
}

}  // namespace xlstm::kernels
#endif
