// Widths and numbers of rows that kernels working row by row are tried and measured with.
#pragma once

#include <cstddef>
#include <vector>

namespace xlstm::testing {

struct RowShape {
  std::size_t rows, width;
};

// No rows, no width, one, and every remainder of a vector; then enough rows for every thread.
inline std::vector<RowShape> row_edge_shapes() {
  std::vector<RowShape> shapes = {{0, 5}, {3, 0}, {200, 65}, {300, 256}};
  for (std::size_t width = 1; width <= 33; ++width) shapes.push_back({3, width});
  for (const std::size_t width : {63, 64, 65, 127, 129}) {
    for (const std::size_t rows : {1, 2, 65}) shapes.push_back({rows, width});
  }
  return shapes;
}

// Widths that models have, by name.
struct CellShape {
  const char* model;
  std::size_t D, NH, DHQK, DHV, F;
};

inline std::vector<CellShape> cell_shapes() {
  return {{"classics-8m", 256, 4, 32, 64, 704},
          {"400m", 1024, 4, 128, 256, 2752},
          {"xLSTM-7b", 4096, 8, 256, 512, 10944}};
}

}  // namespace xlstm::testing
