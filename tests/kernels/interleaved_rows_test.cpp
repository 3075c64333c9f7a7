// Interleaved rows, in chunks, are all read, and each in one set.
#include "xlstm/kernels/linear/interleaved_rows.h"

#include <gtest/gtest.h>

#include <vector>

namespace xlstm::kernels {
namespace {

template <int R>
void expect_each_once(std::size_t begin, std::size_t end, std::size_t chunks) {
  const InterleavedRows<R> interleaved(begin, end);
  std::vector<int> seen(end, 0);
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    const std::size_t last = begin_of_chunk(interleaved.sets(), chunk + 1, chunks);
    for (std::size_t set = begin_of_chunk(interleaved.sets(), chunk, chunks); set < last; ++set) {
      std::size_t rows[R];
      interleaved.get(set, rows);
      bool whole = true;
      for (std::size_t r = 0; r < R; ++r) {
        ASSERT_GE(rows[r], begin);
        ASSERT_LT(rows[r], end);
        if (r > 0 && rows[r] == rows[0]) {
          whole = false;  // one that does not exist
        } else {
          ++seen[rows[r]];
        }
      }
      EXPECT_EQ(whole, set < interleaved.whole_sets()) << begin << " " << end << " " << set;
    }
  }
  for (std::size_t n = begin; n < end; ++n) EXPECT_EQ(seen[n], 1) << begin << " " << end;
}

TEST(InterleavedRows, EachIsInOneSet) {
  for (std::size_t count = 1; count < 140; ++count) {
    for (const std::size_t chunks : {std::size_t{1}, std::size_t{2}, kChunksPerThread}) {
      expect_each_once<4>(0, count, chunks);
      expect_each_once<8>(17, 17 + count, chunks);
    }
  }
}

TEST(InterleavedRows, SetsThatAreWholeGoOnRowByRow) {
  const InterleavedRows<8> interleaved(100, 1100);
  std::size_t first[8], rows[8];
  interleaved.get(0, first);
  ASSERT_GT(interleaved.whole_sets(), 1U);
  for (std::size_t set = 1; set < interleaved.whole_sets(); ++set) {
    interleaved.get(set, rows);
    for (int r = 0; r < 8; ++r) EXPECT_EQ(rows[r], first[r] + set);
  }
}

}  // namespace
}  // namespace xlstm::kernels
