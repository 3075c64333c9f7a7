// Which rows of W few rows of x are multiplied with at a time, and in what chunks.
#pragma once

#include <algorithm>
#include <cstddef>

#include "xlstm/base/ceil_div.h"

namespace xlstm::kernels {

// A thread's range is cut into chunks, each half of what is left, so that a thread that is done can
// help another to its end: memory does not serve cores alike. Threads go from chunk to chunk in
// order, and what was prefetched is not lost.
inline constexpr std::size_t kChunksPerThread = 6;

// Where chunk `at` of `chunks` begins in a range of `count`; where the last one ends for `chunks`.
constexpr std::size_t begin_of_chunk(std::size_t count, std::size_t at, std::size_t chunks) {
  return at == chunks ? count : count - (count >> at);
}

// Sets of R rows of [begin, end) that are interleaved: rows of a set lie far apart, so that several
// pages are read at once, each from its beginning to its end. An odd number of rows apart: powers
// of two would put all of them in the same few lines of a cache (7B, 8 bits: 92% of the bandwidth
// instead of 85).
template <int R>
class InterleavedRows {
 public:
  InterleavedRows(std::size_t begin, std::size_t end)
      : begin_(begin), end_(end), step_(ceil_div(end - begin, R) | 1) {}

  std::size_t sets() const { return std::min(step_, end_ - begin_); }

  // How many of the first ones are whole: each row in them exists, and behind it comes the next
  // set's.
  std::size_t whole_sets() const {
    const std::size_t before_last = begin_ + (R - 1) * step_;
    return before_last < end_ ? end_ - before_last : 0;
  }

  // Rows of a set. Its own first one stands for those that do not exist: nobody writes what another
  // chunk writes.
  void get(std::size_t set, std::size_t (&rows)[R]) const {
    const std::size_t first = begin_ + set;
    for (std::size_t r = 0; r < R; ++r) {
      const std::size_t row = first + r * step_;
      rows[r] = row < end_ ? row : first;
    }
  }

 private:
  std::size_t begin_, end_, step_;
};

}  // namespace xlstm::kernels
