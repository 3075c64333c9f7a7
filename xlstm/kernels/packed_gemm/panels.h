// y = x W^T (+ bias) for some rows of x, from a few to some hundred: a panel, 32 rows of W say, is
// unpacked step by step along K into the first cache, and each step multiplied with all rows of x,
// or a block of them. Weights are read from memory once, and unpacked once a block.
#pragma once

#include <algorithm>
#include <cstddef>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/linear/interleaved_rows.h"

namespace xlstm::kernels {

// A block of rows of x times one panel of W. Args: a product's arguments, with M, N and K.
template <class Args>
struct PanelTask {
  const Args& args;
  const std::byte* x;  // packed rows, tile after tile, from m0 on
  std::size_t m0, m1;  // at most PanelKernel::block_rows
  std::size_t n;       // the panel's first row of W
  std::byte* memory;   // PanelKernel::memory_bytes(), aligned to 64
};

template <class Args>
struct PanelKernel {
  // Rows of x for which nothing else is faster.
  std::size_t fewest_rows, most_rows;
  std::size_t columns;         // rows of W in a panel
  std::size_t tile_rows;       // most rows of x that are packed together
  std::size_t block_rows;      // most rows of x in a task
  std::size_t depth_multiple;  // where K can be cut for packing

  // A row of W; a packed row of x, of which a tile is as many times that.
  std::size_t (*weight_bytes)(const Args&);
  std::size_t (*row_bytes)(const Args&);
  // Elements [k0, k1) of rows [m, m + rows) of x -> their places in the tile.
  void (*pack_x)(const Args&, std::size_t m, std::size_t rows, std::size_t k0, std::size_t k1,
                 std::byte* tile);
  std::size_t (*memory_bytes)(const Args&);
  void (*multiply)(const PanelTask<Args>& task);
};

// Lines of memory to be prefetched, few at a time, as a core waits for no more than some twenty.
// (Not by a member function: GCC takes one that does nothing else for one that does nothing.)
struct Lines {
  const std::byte* first;
  std::size_t count, stride = 64;  // bytes from one to the next

  Lines part(std::size_t at, std::size_t of) const {
    const std::size_t begin = count * at / of;
    return {first + begin * stride, count * (at + 1) / of - begin, stride};
  }
  // Every of-th line: pages are read side by side.
  Lines every(std::size_t at, std::size_t of) const {
    return {first + at * stride, at < count ? ceil_div(count - at, of) : 0, of * stride};
  }
};

// Rows cut into blocks of nearly the same height, and these into tiles.
struct RowCut {
  RowCut(std::size_t first, std::size_t end, std::size_t most)
      : m0(first), rows(end - first), count(ceil_div(rows, most)) {}
  std::size_t begin(std::size_t at) const { return m0 + rows * at / count; }

  std::size_t m0, rows, count;
};

// Panels that one block of rows after the other is multiplied with: their weights stay in the
// second cache meanwhile.
inline constexpr std::size_t kPanelSetBytes = 256 * 1024;

template <class Args>
class Panels {
 public:
  Panels(ThreadPool& pool, const PanelKernel<Args>& kernel, const Args& a)
      : pool_(pool),
        kernel_(kernel),
        a_(a),
        row_bytes_(kernel.row_bytes(a)),
        blocks_(0, a.M, kernel.block_rows),
        panels_(ceil_div(a.N, kernel.columns)),
        memory_(pool.scratch(a.M * row_bytes_, "linear")) {
    const std::size_t panel_bytes = kernel.columns * kernel.weight_bytes(a);
    set_ = std::clamp<std::size_t>(kPanelSetBytes / panel_bytes, 1, panels_);
  }

  void run() {
    const std::size_t threads = threads_wanted();
    pack(threads);
    const std::size_t chunks = threads == 1 ? 1 : kChunksPerThread;
    const std::size_t tasks = panels_ * blocks_.count;
    const auto run_chunk = [&](std::size_t at) {
      const std::size_t begin = tasks * (at / chunks) / threads;
      const std::size_t count = tasks * (at / chunks + 1) / threads - begin;
      multiply(begin + begin_of_chunk(count, at % chunks, chunks),
               begin + begin_of_chunk(count, at % chunks + 1, chunks));
    };
    pool_.parallel_for(threads * chunks, run_chunk, threads);
  }

 private:
  std::size_t threads_wanted() const {
    // Microseconds; weights come at 15 GB/s, products at 100 G/s.
    constexpr double kWorthAThread = 10.0;
    const auto N = static_cast<double>(a_.N);
    const double cost_us = std::max(N * static_cast<double>(kernel_.weight_bytes(a_)) / 15e3,
                                    N * static_cast<double>(a_.M * a_.K) / 100e3);
    return static_cast<std::size_t>(
        std::clamp(cost_us / kWorthAThread, 1.0, static_cast<double>(pool_.size())));
  }

  std::byte* row(std::size_t m) const { return memory_.bytes() + m * row_bytes_; }

  // Every tile in parts along K, so that few tiles are enough for all threads.
  void pack(std::size_t threads) {
    constexpr std::size_t kWorthAPart = 4096;  // elements: some microseconds
    const std::size_t steps = ceil_div(a_.K, kernel_.depth_multiple);
    const std::size_t parts =
        std::clamp<std::size_t>(std::min(a_.M * a_.K / kWorthAPart, threads), 1, steps);
    const auto pack_part = [&](std::size_t at) {
      const std::size_t k0 = steps * at / parts * kernel_.depth_multiple;
      const std::size_t k1 = std::min(a_.K, steps * (at + 1) / parts * kernel_.depth_multiple);
      for (std::size_t block = 0; block < blocks_.count; ++block) pack_block(block, k0, k1);
    };
    pool_.parallel_for(parts, pack_part, parts);
  }

  void pack_block(std::size_t block, std::size_t k0, std::size_t k1) const {
    const RowCut tiles(blocks_.begin(block), blocks_.begin(block + 1), kernel_.tile_rows);
    for (std::size_t tile = 0; tile < tiles.count; ++tile) {
      const std::size_t m = tiles.begin(tile);
      kernel_.pack_x(a_, m, tiles.begin(tile + 1) - m, k0, k1, row(m));
    }
  }

  // Tasks [begin, end), counted set of panels by set, in each block by block.
  void multiply(std::size_t begin, std::size_t end) {
    if (begin == end) return;
    const ScratchLease memory = pool_.scratch(kernel_.memory_bytes(a_), "linear");
    for (std::size_t at = begin; at < end; ++at) {
      const std::size_t first = at / (set_ * blocks_.count) * set_;
      const std::size_t panels = std::min(set_, panels_ - first);
      const std::size_t within = at - first * blocks_.count;
      const std::size_t block = within / panels, m0 = blocks_.begin(block);
      kernel_.multiply({a_, row(m0), m0, blocks_.begin(block + 1),
                        (first + within % panels) * kernel_.columns, memory.bytes()});
    }
  }

  ThreadPool& pool_;
  const PanelKernel<Args>& kernel_;
  const Args& a_;
  std::size_t row_bytes_;
  RowCut blocks_;
  std::size_t panels_;
  ScratchLease memory_;  // packed x
  std::size_t set_ = 1;  // panels
};

// M, N, K > 0. The number of threads changes no bit of y.
template <class Args>
void multiply_panels(ThreadPool& pool, const PanelKernel<Args>& kernel, const Args& args) {
  Panels<Args>(pool, kernel, args).run();
}

}  // namespace xlstm::kernels
