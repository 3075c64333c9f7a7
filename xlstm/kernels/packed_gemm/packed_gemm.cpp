#include "xlstm/kernels/packed_gemm/packed_gemm.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "xlstm/base/ceil_div.h"

namespace xlstm::kernels {
namespace {

// Rows of x that are packed together: with 2 KiB a row, they share the second cache with a panel.
constexpr std::size_t kMostBlockRows = 600;

std::size_t up_to_lines(std::size_t bytes) {
  return round_up(bytes, 64);
}

// Rows [m0, m1) of y cut into tiles of nearly the same, even height.
struct Tiles {
  Tiles(std::size_t first, std::size_t end, std::size_t most)
      : m0(first), m1(end), pairs(ceil_div(end - first, 2)), count(ceil_div(pairs, most / 2)) {}
  std::size_t begin(std::size_t tile) const { return m0 + pairs * tile / count * 2; }
  std::size_t height(std::size_t tile) const { return begin(tile + 1) - begin(tile); }
  std::size_t rows(std::size_t tile) const { return std::min(begin(tile + 1), m1) - begin(tile); }

  std::size_t m0, m1, pairs, count;
};

// One step: some rows of x, a block of K.
struct Block {
  Tiles tiles;
  std::size_t k0;
  KBlock depth;
  std::byte* x;  // packed tiles

  std::byte* x_tile(const MicroKernel& kernel, std::size_t tile) const {
    // Tiles of different heights have different sizes; whole lines for the highest keep it simple.
    return x + tile * up_to_lines(kernel.x_bytes(kernel.rows, depth));
  }
};

// Tiles and panels for one thread.
struct TileRange {
  std::size_t tile0, tile1, panel0, panel1;
};

// Threads along tiles and along panels: the grid with the least work for its busiest thread, where
// to pack a panel costs as much as to multiply it with one tile.
struct Grid {
  Grid(std::size_t threads, std::size_t tile_count, std::size_t panel_count)
      : tiles(tile_count), panels(panel_count) {
    std::size_t least = static_cast<std::size_t>(-1);
    for (std::size_t r = 1; r <= std::min(threads, tiles); ++r) {
      const std::size_t c = std::min(threads / r, panels);
      const std::size_t work = ceil_div(panels, c) * (ceil_div(tiles, r) + 1);
      if (work < least) {
        least = work;
        rows = r;
        columns = c;
      }
    }
  }
  std::size_t count() const { return rows * columns; }
  TileRange range(std::size_t at) const {
    const std::size_t r = at / columns, c = at % columns;
    return {tiles * r / rows, tiles * (r + 1) / rows, panels * c / columns,
            panels * (c + 1) / columns};
  }

  std::size_t tiles, panels, rows = 1, columns = 1;
};

class Gemm {
 public:
  Gemm(ThreadPool& pool, const MicroKernel& kernel, const GemmArgs& p, const PackedWeights& W)
      : pool_(pool), kernel_(kernel), p_(p), W_(W) {}

  void run() const {
    const std::size_t threads = threads_wanted();
    const std::size_t row_blocks = ceil_div(p_.M, kMostBlockRows);
    const std::size_t multiple = std::max(kernel_.depth_multiple, p_.group);
    const std::size_t blocks = ceil_div(p_.K, kernel_.depth);
    const std::size_t depth = ceil_div(p_.K, blocks * multiple) * multiple;
    for (std::size_t block = 0; block < row_blocks; ++block) {
      const Tiles tiles(p_.M * block / row_blocks, p_.M * (block + 1) / row_blocks, kernel_.rows);
      for (std::size_t k0 = 0; k0 < p_.K; k0 += depth) {
        run_block(tiles, k0, {std::min(depth, p_.K - k0), p_.group}, threads);
      }
    }
  }

 private:
  std::size_t threads_wanted() const {
    constexpr double kWorthAThread = 1e6;  // multiply-adds: some 10 microseconds
    const double work =
        static_cast<double>(p_.M) * static_cast<double>(p_.N) * static_cast<double>(p_.K);
    const double most = std::max(1.0, work / kWorthAThread);
    return most < static_cast<double>(pool_.size()) ? static_cast<std::size_t>(most) : pool_.size();
  }

  void run_block(const Tiles& tiles, std::size_t k0, const KBlock& depth,
                 std::size_t threads) const {
    const std::size_t tile_bytes = up_to_lines(kernel_.x_bytes(kernel_.rows, depth));
    const ScratchLease packed = pool_.scratch(tiles.count * tile_bytes, "linear");
    const Block block{tiles, k0, depth, packed.bytes()};
    const Grid grid(threads, tiles.count, ceil_div(p_.N, kernel_.columns));
    pool_.parallel_for(threads, [&](std::size_t at) {
      pack_tiles(block, tiles.count * at / threads, tiles.count * (at + 1) / threads);
    });
    pool_.parallel_for(grid.count(), [&](std::size_t at) { multiply(block, grid.range(at)); });
  }

  void pack_tiles(const Block& b, std::size_t begin, std::size_t end) const {
    for (std::size_t tile = begin; tile < end; ++tile) {
      const auto m = static_cast<std::ptrdiff_t>(b.tiles.begin(tile));
      kernel_.pack_x(p_.x + m * p_.x_stride + b.k0, p_.x_stride, b.tiles.rows(tile),
                     b.tiles.height(tile), b.depth, b.x_tile(kernel_, tile));
    }
  }

  void multiply(const Block& b, const TileRange& range) const {
    const ScratchLease scratch = pool_.scratch(kernel_.w_bytes(b.depth), "linear");
    std::byte* const panel = scratch.bytes();
    for (std::size_t at = range.panel0; at < range.panel1; ++at) {
      const std::size_t n = at * kernel_.columns;
      const std::size_t columns = std::min(kernel_.columns, p_.N - n);
      W_.pack(n, columns, b.k0, b.depth, panel);
      const std::size_t tiles = range.tile1 - range.tile0;
      for (std::size_t t = 0; t < tiles; ++t) {
        if (at + 1 < range.panel1) prefetch_weights(b, n + kernel_.columns, t, tiles);
        multiply_tile(b, range.tile0 + t, n, columns, panel);
      }
    }
  }

  // Prefetches one part of `parts` of the weights of the panel that begins at n: short stretches,
  // which the processor does not prefetch by itself.
  void prefetch_weights(const Block& b, std::size_t n, std::size_t part, std::size_t parts) const {
    const std::size_t rows = std::min(kernel_.columns, p_.N - n);
    const std::size_t from = b.k0 * W_.bits / 8, bytes = ceil_div(b.depth.depth * W_.bits, 8);
    for (std::size_t row = rows * part / parts; row < rows * (part + 1) / parts; ++row) {
      const std::byte* const line = W_.rows + (n + row) * W_.row_bytes + from;
      for (std::size_t at = 0; at < bytes; at += 64) __builtin_prefetch(line + at, 0, 2);
    }
  }

  void multiply_tile(const Block& b, std::size_t tile, std::size_t n, std::size_t columns,
                     const std::byte* panel) const {
    const std::size_t height = b.tiles.height(tile), rows = b.tiles.rows(tile);
    const std::byte* const x = b.x_tile(kernel_, tile);
    float* const y = p_.y + static_cast<std::ptrdiff_t>(b.tiles.begin(tile)) * p_.y_stride + n;
    float first[kMostColumns];
    const bool add = b.k0 > 0;
    if (!add) first_row(n, columns, first);
    if (rows == height && columns == kernel_.columns) {
      return kernel_.multiply(x, panel, height, b.depth, add ? y : first, add ? p_.y_stride : 0, y,
                              p_.y_stride);
    }
    // The tile is larger than what is left of y: through a buffer.
    float buffer[kMostRows * kMostColumns] = {};
    const auto width = static_cast<std::ptrdiff_t>(kernel_.columns);
    const auto row_of_y = [&](std::size_t m) {
      return y + static_cast<std::ptrdiff_t>(m) * p_.y_stride;
    };
    for (std::size_t m = 0; m < rows; ++m) {
      std::memcpy(buffer + m * kernel_.columns, add ? row_of_y(m) : first, columns * sizeof(float));
    }
    kernel_.multiply(x, panel, height, b.depth, buffer, width, buffer, width);
    for (std::size_t m = 0; m < rows; ++m) {
      std::memcpy(row_of_y(m), buffer + m * kernel_.columns, columns * sizeof(float));
    }
  }

  // What is added to in the first block of K.
  void first_row(std::size_t n, std::size_t columns, float* row) const {
    std::fill(row, row + kernel_.columns, 0.0F);
    if (p_.bias != nullptr) std::memcpy(row, p_.bias + n, columns * sizeof(float));
  }

  static constexpr std::size_t kMostRows = 16, kMostColumns = 64;
  ThreadPool& pool_;
  const MicroKernel& kernel_;
  const GemmArgs& p_;
  const PackedWeights& W_;
};

}  // namespace

void packed_gemm(ThreadPool& pool, const MicroKernel& kernel, const GemmArgs& p,
                 const PackedWeights& W) {
  assert(p.M > 0 && p.N > 0 && p.K > 0 && p.K % p.group == 0);
  assert(p.x != nullptr && p.y != nullptr && W.rows != nullptr);
  assert(kernel.depth % std::max(kernel.depth_multiple, p.group) == 0);
  Gemm(pool, kernel, p, W).run();
}

}  // namespace xlstm::kernels
