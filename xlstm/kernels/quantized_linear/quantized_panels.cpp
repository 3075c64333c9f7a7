#include "xlstm/kernels/quantized_linear/quantized_panels.h"

#include <algorithm>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/linear/interleaved_rows.h"

namespace xlstm::kernels {
namespace {

// Rows of x cut into blocks of nearly the same height, and these into tiles.
struct Cut {
  Cut(std::size_t first, std::size_t end, std::size_t most)
      : m0(first), rows(end - first), count(ceil_div(rows, most)) {}
  std::size_t begin(std::size_t at) const { return m0 + rows * at / count; }

  std::size_t m0, rows, count;
};

// Panels that one block of rows after the other is multiplied with: their weights stay in the second
// cache meanwhile.
constexpr std::size_t kSetBytes = 256 * 1024;

class Panels {
 public:
  Panels(ThreadPool& pool, const PanelKernel& kernel, const QuantizedLinearArgs& a)
      : pool_(pool),
        kernel_(kernel),
        a_(a),
        group_(static_cast<std::size_t>(a.W.format.group_size)),
        row_bytes_(kernel.row_bytes(a.K, group_)),
        blocks_(0, a.M, kernel.block_rows),
        panels_(ceil_div(a.N, kernel.columns)),
        memory_(pool.scratch(a.M * row_bytes_, "quantized_linear")) {
    const std::size_t panel_bytes =
        kernel.columns * a.K * static_cast<std::size_t>(a.W.format.bits) / 8;
    set_ = std::clamp<std::size_t>(kSetBytes / panel_bytes, 1, panels_);
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
    const double weights = static_cast<double>(a_.N) * static_cast<double>(a_.K);
    const double cost_us = std::max(weights * a_.W.format.bits / 8 / 15e3,
                                    weights * static_cast<double>(a_.M) / 100e3);
    return static_cast<std::size_t>(
        std::clamp(cost_us / kWorthAThread, 1.0, static_cast<double>(pool_.size())));
  }

  std::byte* row(std::size_t m) const { return memory_.bytes() + m * row_bytes_; }

  // Every tile in parts along K, so that few tiles are enough for all threads.
  void pack(std::size_t threads) {
    constexpr std::size_t kWorthAPart = 4096;  // elements: some microseconds
    const std::size_t steps = ceil_div(a_.K, kernel_.depth_multiple);
    const std::size_t parts = std::clamp<std::size_t>(
        std::min(a_.M * a_.K / kWorthAPart, threads), 1, steps);
    const auto pack_part = [&](std::size_t at) {
      const std::size_t k0 = steps * at / parts * kernel_.depth_multiple;
      const std::size_t k1 = std::min(a_.K, steps * (at + 1) / parts * kernel_.depth_multiple);
      for (std::size_t block = 0; block < blocks_.count; ++block) pack_block(block, k0, k1);
    };
    pool_.parallel_for(parts, pack_part, parts);
  }

  void pack_block(std::size_t block, std::size_t k0, std::size_t k1) const {
    const Cut tiles(blocks_.begin(block), blocks_.begin(block + 1), kernel_.tile_rows);
    for (std::size_t tile = 0; tile < tiles.count; ++tile) {
      const std::size_t m = tiles.begin(tile);
      kernel_.pack_x(a_.x + static_cast<std::ptrdiff_t>(m) * a_.x_stride, a_.x_stride,
                     tiles.begin(tile + 1) - m, k0, k1, a_.K, a_.W.format, row(m));
    }
  }

  // Tasks [begin, end), counted set of panels by set, in each block by block.
  void multiply(std::size_t begin, std::size_t end) {
    if (begin == end) return;
    const ScratchLease memory =
        pool_.scratch(kernel_.memory_bytes(a_.K, group_), "quantized_linear");
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
  const PanelKernel& kernel_;
  const QuantizedLinearArgs& a_;
  std::size_t group_, row_bytes_;
  Cut blocks_;
  std::size_t panels_;
  ScratchLease memory_;  // packed x
  std::size_t set_ = 1;  // panels
};

}  // namespace

const PanelKernel* panel_kernel() {
  return panel_kernel_avx512();
}

void quantized_linear_panels(ThreadPool& pool, const PanelKernel& kernel,
                             const QuantizedLinearArgs& args) {
  Panels(pool, kernel, args).run();
}

}  // namespace xlstm::kernels
