// How kernels that work row by row share rows among threads.
#pragma once

#include <algorithm>
#include <cstddef>

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

// Calls run(begin, end) for runs of rows: all at once where there is too little to do for a second
// thread to pay. What a row gives does not depend on how rows are dealt.
template <class Run>
void for_rows(ThreadPool& pool, std::size_t rows, std::size_t floats_a_row, const Run& run) {
  constexpr std::size_t kWorthAThread = 16'384;  // floats: some 2 us
  const std::size_t parts =
      std::min({rows, pool.size(), std::max<std::size_t>(1, rows * floats_a_row / kWorthAThread)});
  if (parts <= 1) return run(std::size_t{0}, rows);
  pool.parallel_for(parts,
                    [&](std::size_t part) { run(rows * part / parts, rows * (part + 1) / parts); });
}

}  // namespace xlstm::kernels
