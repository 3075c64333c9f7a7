// Which rows of W few rows of x are multiplied with at a time.
#pragma once

#include <algorithm>
#include <cstddef>

namespace xlstm::kernels {

// Sets of R rows of [begin, end) that lie far apart, so that several pages are read at once, each
// from its beginning to its end. An odd number of rows apart: powers of two would put all of them in
// the same few lines of a cache (7B, 8 bits: 92% of the bandwidth instead of 85).
template <int R>
class FarRows {
 public:
  FarRows(std::size_t begin, std::size_t end)
      : begin_(begin), end_(end), step_((end - begin + R - 1) / R | 1) {}

  std::size_t sets() const { return std::min(step_, end_ - begin_); }

  // Rows of a set; the last row of all stands for those that do not exist.
  void get(std::size_t set, std::size_t (&rows)[R]) const {
    for (std::size_t r = 0; r < R; ++r) rows[r] = std::min(begin_ + set + r * step_, end_ - 1);
  }

 private:
  std::size_t begin_, end_, step_;
};

}  // namespace xlstm::kernels
