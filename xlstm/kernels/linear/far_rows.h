// Which rows of W few rows of x are multiplied with at a time, and in what portions.
#pragma once

#include <algorithm>
#include <cstddef>

namespace xlstm::kernels {

// Sets of R rows of [begin, end) that lie far apart, so that several pages are read at once, each
// from its beginning to its end. An odd number of rows apart: powers of two would put all of them
// in the same few lines of a cache (7B, 8 bits: 92% of the bandwidth instead of 85).
//
// A thread's sets are dealt in kPieces pieces, each half of what is left, so that a thread that is
// done can help another to its end: memory does not serve cores alike. Threads go from piece to
// piece in order, and what was fetched ahead is not lost.
inline constexpr std::size_t kPieces = 6;

// Where the piece at `at` of `pieces` begins among `count` sets.
constexpr std::size_t begin_of_piece(std::size_t count, std::size_t at, std::size_t pieces) {
  return at == pieces ? count : count - (count >> at);
}

template <int R>
class FarRows {
 public:
  FarRows(std::size_t begin, std::size_t end)
      : begin_(begin), end_(end), step_((end - begin + R - 1) / R | 1) {}

  std::size_t sets() const { return std::min(step_, end_ - begin_); }

  // The first of them, of which every row exists.
  std::size_t whole_sets() const {
    const std::size_t before_last = begin_ + (R - 1) * step_;
    return before_last < end_ ? end_ - before_last : 0;
  }

  // Rows of a set; the last row of all stands for those that do not exist.
  void get(std::size_t set, std::size_t (&rows)[R]) const {
    for (std::size_t r = 0; r < R; ++r) rows[r] = std::min(begin_ + set + r * step_, end_ - 1);
  }

 private:
  std::size_t begin_, end_, step_;
};

}  // namespace xlstm::kernels
