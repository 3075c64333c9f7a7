// How kernels that work row by row, or element by element, divide their work among threads.
#pragma once

#include <algorithm>
#include <cstddef>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

// Calls run(begin, end) for ranges of rows: all at once where there is too little to do for a
// second thread to pay. What a row gives does not depend on how rows are divided.
template <class Run>
void for_rows(ThreadPool& pool, std::size_t rows, std::size_t floats_a_row, const Run& run) {
  constexpr std::size_t kWorthAThread = 16'384;  // floats: some 2 us
  const std::size_t ranges =
      std::min({rows, pool.size(), std::max<std::size_t>(1, rows * floats_a_row / kWorthAThread)});
  if (ranges <= 1) return run(std::size_t{0}, rows);
  pool.parallel_for(ranges,
                    [&](std::size_t at) { run(rows * at / ranges, rows * (at + 1) / ranges); });
}

// Calls run(first, size) for ranges of `count` elements, each of which costs as much as `floats`
// floats that are only read.
template <class Run>
void for_ranges(ThreadPool& pool, std::size_t count, std::size_t floats, const Run& run) {
  constexpr std::size_t kRow = 1024;
  for_rows(pool, ceil_div(count, kRow), floats * kRow, [&](std::size_t begin, std::size_t end) {
    run(begin * kRow, std::min(end * kRow, count) - begin * kRow);
  });
}

}  // namespace xlstm::kernels
