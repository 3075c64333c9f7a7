// How kernels that work row by row divide rows among threads.
#pragma once

#include <algorithm>
#include <cstddef>

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

}  // namespace xlstm::kernels
