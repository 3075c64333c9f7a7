// Rows that are read far apart, and in pieces, are all read, and each in one set.
#include "xlstm/kernels/linear/far_rows.h"

#include <gtest/gtest.h>

#include <vector>

namespace xlstm::kernels {
namespace {

template <int R>
void expect_each_once(std::size_t begin, std::size_t end, std::size_t pieces) {
  const FarRows<R> far(begin, end);
  std::vector<int> seen(end, 0);
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    const std::size_t last = begin_of_piece(far.sets(), piece + 1, pieces);
    for (std::size_t set = begin_of_piece(far.sets(), piece, pieces); set < last; ++set) {
      std::size_t rows[R];
      far.get(set, rows);
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
      EXPECT_EQ(whole, set < far.whole_sets()) << begin << " " << end << " " << set;
    }
  }
  for (std::size_t n = begin; n < end; ++n) EXPECT_EQ(seen[n], 1) << begin << " " << end;
}

TEST(FarRows, EachIsInOneSet) {
  for (std::size_t count = 1; count < 140; ++count) {
    for (const std::size_t pieces : {std::size_t{1}, std::size_t{2}, kPieces}) {
      expect_each_once<4>(0, count, pieces);
      expect_each_once<8>(17, 17 + count, pieces);
    }
  }
}

TEST(FarRows, SetsThatAreWholeGoOnRowByRow) {
  const FarRows<8> far(100, 1100);
  std::size_t first[8], rows[8];
  far.get(0, first);
  ASSERT_GT(far.whole_sets(), 1U);
  for (std::size_t set = 1; set < far.whole_sets(); ++set) {
    far.get(set, rows);
    for (int r = 0; r < 8; ++r) EXPECT_EQ(rows[r], first[r] + set);
  }
}

}  // namespace
}  // namespace xlstm::kernels
