// How a panel of quantised weights is multiplied with a block of rows of x, whatever multiplies:
// the walk that the kernels of all processors share. `Way` says how:
//   kColumns       rows of W in a panel
//   kTileRows      most rows of x in a tile
//   kBlockRows     most rows of x in a task
//   kStep          elements of K that are unpacked together
//   kElementBytes  of an element of x in a tile, and of a code of W in a step
//   unpack()       elements [k, k + count) of a panel's rows -> a step
//   load_factors() a panel's scales and biases -> [groups][kColumns], float32
//   add_step()     the products of a tile of MR rows with a step
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/packed_gemm/panels.h"
#include "xlstm/kernels/quantized_linear/quantized_linear_args.h"

namespace xlstm::kernels {
namespace {

using Task = PanelTask<QuantizedLinearArgs>;

std::size_t group_of(const QuantizedLinearArgs& a) {
  return static_cast<std::size_t>(a.W.format.group_size);
}

std::size_t weight_bytes_of(const QuantizedLinearArgs& a) {
  return a.K * static_cast<std::size_t>(a.W.format.bits) / 8;
}

template <class Way>
std::size_t row_bytes(const QuantizedLinearArgs& a) {
  return a.K * Way::kElementBytes + 2 * (a.K / group_of(a)) * sizeof(float);
}

// A tile of x of which a row of units has `bytes` bytes.
struct XTile {
  XTile(std::byte* tile, std::size_t rows, std::size_t bytes, std::size_t groups)
      : units(tile),
        scales(reinterpret_cast<float*>(tile + bytes * rows)),
        sums(scales + groups * rows),
        height(rows) {}
  std::byte* units;
  float *scales, *sums;  // [groups][height]
  std::size_t height;
};

// The rows of a panel; those that are not there repeat the last one.
template <std::size_t kCount>
struct PanelRows {
  PanelRows(const QuantizedLinearArgs& a, std::size_t first) {
    const std::size_t bytes = weight_bytes_of(a);
    const auto* const all = reinterpret_cast<const std::byte*>(a.W.words);
    for (std::size_t c = 0; c < kCount; ++c) {
      row[c] = std::min(first + c, a.N - 1);
      words[c] = all + row[c] * bytes;
    }
    end = all + a.N * bytes;
  }
  std::size_t row[kCount];
  const std::byte* words[kCount];
  const std::byte* end;  // of all words of W
};

// What a task keeps in memory of its own.
template <class Way>
struct PanelMemory {
  static constexpr std::size_t kCodesBytes = Way::kStep * Way::kElementBytes * Way::kColumns;

  PanelMemory(std::byte* p, std::size_t groups)
      : codes(p),
        scales(reinterpret_cast<float*>(p + kCodesBytes)),
        biases(scales + groups * Way::kColumns),
        total(biases + groups * Way::kColumns) {}
  static std::size_t bytes(std::size_t groups) {
    return kCodesBytes + (2 * groups + Way::kBlockRows) * Way::kColumns * sizeof(float);
  }
  std::byte* codes;        // of a step
  float *scales, *biases;  // [groups, kColumns]
  float* total;            // [rows, kColumns]
};

template <class Way>
std::size_t memory_bytes(const QuantizedLinearArgs& a) {
  return PanelMemory<Way>::bytes(a.K / group_of(a));
}

// What the panel that begins with row n, if there is one, is made of.
struct PanelLines {
  PanelLines(const QuantizedLinearArgs& a, std::size_t n, std::size_t columns) {
    const std::size_t rows = std::min(columns, a.N - std::min(n, a.N));
    const std::size_t groups = a.K / group_of(a);
    const bool affine = a.W.format.mode == QuantizationMode::kAffine;
    const auto lines = [&](const void* array, std::size_t row_bytes) -> Lines {
      return {static_cast<const std::byte*>(array) + n * row_bytes, rows * row_bytes / 64};
    };
    words = lines(a.W.words, weight_bytes_of(a));
    scales = lines(a.W.scales, groups * (affine ? weight_bytes(a.W.scale_type) : 1));
    biases = affine ? lines(a.W.biases, groups * weight_bytes(a.W.scale_type)) : Lines{nullptr, 0};
  }
  Lines words, scales, biases;
};

inline __attribute__((always_inline)) void prefetch_every(const Lines& lines, std::size_t first,
                                                          std::size_t of) {
  for (std::size_t at = first; at < lines.count; at += of) {
    __builtin_prefetch(lines.first + at * 64, 0, 2);
  }
}

// Groups of a step: their number, units of 4 elements in each, scales and biases of W
// [groups][kColumns], and lines to prefetch, at most `lines_a_unit` with each unit.
struct StepGroups {
  std::size_t count, units;
  const float *w_scales, *w_biases;
  Lines ahead;
  std::size_t lines_a_unit;
};

// A tile of x, from the step at hand on.
struct Tile {
  const std::byte* units;
  const float *scales, *sums;  // [groups][height]
  float* total;                // [height, kColumns]
  std::size_t height;
  void (*add_step)(const Tile&, const std::byte* w, const StepGroups& groups);
};

template <class Way, int... I>
auto add_step_of(std::size_t rows, std::integer_sequence<int, I...>) {
  static constexpr decltype(Tile::add_step) kSteps[] = {Way::template add_step<I + 1>...};
  return kSteps[rows - 1];
}

// The tiles of a task. Nothing in a step divides.
template <class Way>
class Tiles {
 public:
  Tiles(const Task& t, float* total) {
    const std::size_t groups = t.args.K / group_of(t.args), bytes = row_bytes<Way>(t.args);
    const RowCut cut(0, t.m1 - t.m0, Way::kTileRows);
    count_ = cut.count;
    for (std::size_t at = 0; at < count_; ++at) {
      const std::size_t m = cut.begin(at), height = cut.begin(at + 1) - m;
      const std::byte* const x = t.x + m * bytes;
      const auto* const scales =
          reinterpret_cast<const float*>(x + t.args.K * Way::kElementBytes * height);
      tiles_[at] = {
          x,
          scales,
          scales + groups * height,
          total + m * Way::kColumns,
          height,
          add_step_of<Way>(height,
                           std::make_integer_sequence<int, static_cast<int>(Way::kTileRows)>())};
    }
  }

  // Adds the products with the step of W that lies unpacked at w, and goes on to the next one.
  void add(const std::byte* w, StepGroups groups) {
    for (std::size_t at = 0; at < count_; ++at) {
      Tile& tile = tiles_[at];
      tile.add_step(tile, w, groups);
      groups.ahead.count = 0;  // with the first tile all of them
      tile.units += groups.count * groups.units * 4 * Way::kElementBytes * tile.height;
      tile.scales += groups.count * tile.height;
      tile.sums += groups.count * tile.height;
    }
  }

 private:
  Tile tiles_[Way::kBlockRows / Way::kTileRows];
  std::size_t count_;
};

template <class Way>
void multiply_panel(const Task& t) {
  constexpr std::size_t kColumns = Way::kColumns, kStep = Way::kStep;
  const QuantizedLinearArgs& a = t.args;
  const std::size_t group = group_of(a), steps = ceil_div(a.K, kStep);
  const PanelMemory<Way> memory(t.memory, a.K / group);
  const PanelRows<kColumns> rows(a, t.n);
  const PanelLines next(a, t.n + kColumns, kColumns);
  const std::size_t columns = std::min(kColumns, a.N - t.n), height = t.m1 - t.m0;
  float* const y = a.y + static_cast<std::ptrdiff_t>(t.m0) * a.y_stride + t.n;
  Way::load_factors(a.W, rows, a.K / group, memory.scales, memory.biases);
  float first[kColumns] = {};
  if (a.bias != nullptr) std::memcpy(first, a.bias + t.n, columns * sizeof(float));
  for (std::size_t m = 0; m < height; ++m) {
    std::memcpy(memory.total + m * kColumns, first, sizeof first);
  }
  Tiles<Way> tiles(t, memory.total);
  StepGroups groups{kStep / group, group / 4,
                    memory.scales, memory.biases,
                    {nullptr, 0},  a.W.format.bits > 4 ? std::size_t{2} : std::size_t{1}};
  const std::size_t lines = next.words.count / steps, more_lines = next.words.count % steps;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t k = step * kStep, count = std::min(kStep, a.K - k);
    Way::unpack(a.W.format, rows, k, count, memory.codes);
    prefetch_every(next.scales, step, steps);
    prefetch_every(next.biases, step, steps);
    for (std::size_t m = step; m < height; m += steps) {
      const float* const row = y + static_cast<std::ptrdiff_t>(m) * a.y_stride;
      __builtin_prefetch(row, 1);
      if (columns > 16) __builtin_prefetch(row + columns / 2, 1);
      __builtin_prefetch(row + columns - 1, 1);
    }
    if (count < kStep) groups.count = count / group;
    // Every so-many-th line: pages are read side by side.
    groups.ahead = {next.words.first + step * 64, lines + (step < more_lines ? 1 : 0), steps * 64};
    tiles.add(memory.codes, groups);
    groups.w_scales += groups.count * kColumns;
    groups.w_biases += groups.count * kColumns;
  }
  for (std::size_t m = 0; m < height; ++m) {
    float* const to = y + static_cast<std::ptrdiff_t>(m) * a.y_stride;
    const float* const from = memory.total + m * kColumns;
    if (columns == kColumns) {  // of a size that compilers know
      std::memcpy(to, from, sizeof first);
    } else {
      std::memcpy(to, from, columns * sizeof(float));
    }
  }
}

template <class Way>
constexpr PanelKernel<QuantizedLinearArgs> panel_kernel(std::size_t fewest_rows,
                                                        std::size_t most_rows) {
  return {fewest_rows,     most_rows,         Way::kColumns,      Way::kTileRows,
          Way::kBlockRows, Way::kStep,        weight_bytes_of,    row_bytes<Way>,
          Way::pack_x,     memory_bytes<Way>, multiply_panel<Way>};
}

}  // namespace
}  // namespace xlstm::kernels
