// Panels of W with vpdpbusd: four neighbours along K are the units of panels and tiles,
//   a tile of x: [K / 4][rows] units of signed bytes, then [groups][rows] scales and [groups][rows]
//      sums of the bytes times the scale, float32,
//   a step of W: [128 / 4][32] units of unsigned codes; scales and biases [groups][32], float32.
// With w = s q + b and x = t p: sum_k x w = sum_groups t (s sum_k p q + b sum_k p).
//
// Words of 32 bits are transposed before they are unpacked. A word of 4-bit codes gives two units,
// its even codes and its odd ones: x is packed so too.
#include "xlstm/kernels/quantized_linear/quantized_panels.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/packed_gemm/avx512-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_panels_avx512_w-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_panels_avx512_x-inl.h"
#include "xlstm/kernels/simd/simd.h"

namespace xlstm::kernels {
namespace {

// What a task keeps in memory of its own.
struct Memory {
  Memory(std::byte* p, std::size_t groups)
      : codes(p),
        scales(reinterpret_cast<float*>(p + kStep / 4 * kUnitBytes)),
        biases(scales + groups * kColumns),
        total(biases + groups * kColumns) {}
  static std::size_t bytes(std::size_t groups) {
    return kStep / 4 * kUnitBytes + (2 * groups + kBlockRows) * kColumns * sizeof(float);
  }
  std::byte* codes;        // of a step
  float *scales, *biases;  // [groups, 32]
  float* total;            // [rows, 32]
};

std::size_t memory_bytes(const QuantizedLinearArgs& a) {
  return Memory::bytes(a.K / group_of(a));
}

// What the panel that begins with row n, if there is one, is made of.
struct PanelLines {
  PanelLines(const QuantizedLinearArgs& a, std::size_t n) {
    const std::size_t rows = std::min(kColumns, a.N - std::min(n, a.N));
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

// Groups of a step: their number, units of 4 elements in each, scales and biases of W [groups][32],
// and lines to prefetch, at most `lines_a_unit` with each unit.
struct StepGroups {
  std::size_t count, units;
  const float *w_scales, *w_biases;
  Lines ahead;
  std::size_t lines_a_unit;
};

// Not __m512i, a vector of 64-bit numbers: with that, GCC 12 keeps sums in memory.
using Sums = int __attribute__((vector_size(64)));

// One group: total += x_scales (w_scales (codes W^T) ) + x_sums w_biases, [MR, 32]. By itself, or
// compilers run out of registers.
template <int MR>
XLSTM_AVX512_INT8 __attribute__((noinline)) void add_group(const std::byte* x, const std::byte* w,
                                                           std::size_t units, const float* x_scales,
                                                           const float* x_sums,
                                                           const float* w_scales,
                                                           const float* w_biases,
                                                           const Lines& ahead, float* total) {
  constexpr std::size_t kPrefetchUnits = 12;
  Sums sum[MR][2];
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    sum[m][0] = Sums{};
    sum[m][1] = Sums{};
  }
  for (std::size_t u = 0; u < units; ++u, x += MR * 4, w += kUnitBytes) {
    __builtin_prefetch(x + kPrefetchUnits * MR * 4);
    if (u < ahead.count) __builtin_prefetch(ahead.first + u * ahead.stride, 0, 2);
    if (units + u < ahead.count) {
      __builtin_prefetch(ahead.first + (units + u) * ahead.stride, 0, 2);
    }
    const __m512i w0 = _mm512_load_si512(w), w1 = _mm512_load_si512(w + 64);
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m) {
      const __m512i row = (__m512i)_mm512_set1_ps(reinterpret_cast<const float*>(x)[m]);
      sum[m][0] = (Sums)_mm512_dpbusd_epi32((__m512i)sum[m][0], w0, row);
      sum[m][1] = (Sums)_mm512_dpbusd_epi32((__m512i)sum[m][1], w1, row);
    }
  }
  const __m512 scale[] = {_mm512_load_ps(w_scales), _mm512_load_ps(w_scales + 16)};
  const __m512 bias[] = {_mm512_load_ps(w_biases), _mm512_load_ps(w_biases + 16)};
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    const __m512 x_scale = _mm512_set1_ps(x_scales[m]), x_sum = _mm512_set1_ps(x_sums[m]);
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      float* const to = total + m * static_cast<int>(kColumns) + v * 16;
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps((__m512i)sum[m][v]), scale[v]);
      const __m512 with_bias = _mm512_fmadd_ps(x_sum, bias[v], _mm512_load_ps(to));
      _mm512_store_ps(to, _mm512_fmadd_ps(x_scale, scaled, with_bias));
    }
  }
}

// A tile of x, from the step at hand on.
struct Tile {
  const std::byte* units;
  const float *scales, *sums;  // [groups][height]
  float* total;                // [height, 32]
  std::size_t height;
  void (*add_step)(const Tile&, const std::byte* w, const StepGroups& groups);
};

template <int MR>
void add_step(const Tile& tile, const std::byte* w, const StepGroups& s) {
  const std::size_t most_lines = s.units * s.lines_a_unit;
  Lines ahead = s.ahead;
  for (std::size_t g = 0; g < s.count; ++g) {
    const std::size_t lines = std::min(most_lines, ahead.count);
    add_group<MR>(tile.units + g * s.units * MR * 4, w + g * s.units * kUnitBytes, s.units,
                  tile.scales + g * MR, tile.sums + g * MR, s.w_scales + g * kColumns,
                  s.w_biases + g * kColumns, {ahead.first, lines, ahead.stride}, tile.total);
    ahead.first += lines * ahead.stride;
    ahead.count -= lines;
  }
}

template <int... I>
auto add_step_of(std::size_t rows, std::integer_sequence<int, I...>) {
  static constexpr decltype(Tile::add_step) kSteps[] = {add_step<I + 1>...};
  return kSteps[rows - 1];
}

// The tiles of a task. Nothing in a step divides.
class Tiles {
 public:
  Tiles(const Task& t, float* total) {
    const std::size_t K = t.args.K, groups = K / group_of(t.args), bytes = row_bytes(t.args);
    const RowCut cut(0, t.m1 - t.m0, kTileRows);
    count_ = cut.count;
    for (std::size_t at = 0; at < count_; ++at) {
      const std::size_t m = cut.begin(at), height = cut.begin(at + 1) - m;
      const std::byte* const x = t.x + m * bytes;
      const auto* const scales = reinterpret_cast<const float*>(x + K * height);
      tiles_[at] = {x,
                    scales,
                    scales + groups * height,
                    total + m * kColumns,
                    height,
                    add_step_of(height, std::make_integer_sequence<int, kTileRows>())};
    }
  }

  // Adds the products with the step of W that lies unpacked at w, and goes on to the next one.
  void add(const std::byte* w, StepGroups groups) {
    for (std::size_t at = 0; at < count_; ++at) {
      Tile& tile = tiles_[at];
      tile.add_step(tile, w, groups);
      groups.ahead.count = 0;  // with the first tile all of them
      tile.units += groups.count * groups.units * 4 * tile.height;
      tile.scales += groups.count * tile.height;
      tile.sums += groups.count * tile.height;
    }
  }

 private:
  Tile tiles_[kBlockRows / kTileRows];
  std::size_t count_;
};

void multiply(const Task& t) {
  const QuantizedLinearArgs& a = t.args;
  const std::size_t group = group_of(a), steps = ceil_div(a.K, kStep);
  const Memory memory(t.memory, a.K / group);
  const PanelRows rows(a, t.n);
  const PanelLines next(a, t.n + kColumns);
  const std::size_t columns = std::min(kColumns, a.N - t.n), height = t.m1 - t.m0;
  float* const y = a.y + static_cast<std::ptrdiff_t>(t.m0) * a.y_stride + t.n;
  load_panel_factors(a.W, rows, a.K / group, memory.scales, memory.biases);
  float first[kColumns] = {};
  if (a.bias != nullptr) std::memcpy(first, a.bias + t.n, columns * sizeof(float));
  for (std::size_t m = 0; m < height; ++m) {
    std::memcpy(memory.total + m * kColumns, first, sizeof first);
  }
  Tiles tiles(t, memory.total);
  StepGroups groups{kStep / group, group / 4,
                    memory.scales, memory.biases,
                    {nullptr, 0},  a.W.format.bits > 4 ? std::size_t{2} : std::size_t{1}};
  const std::size_t lines = next.words.count / steps, more_lines = next.words.count % steps;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t k = step * kStep, count = std::min(kStep, a.K - k);
    unpack(a.W.format, rows.words, k, count, memory.codes);
    unpack(a.W.format, rows.words + 16, k, count, memory.codes + 64);
    prefetch_every(next.scales, step, steps);
    prefetch_every(next.biases, step, steps);
    for (std::size_t m = step; m < height; m += steps) {
      const float* const row = y + static_cast<std::ptrdiff_t>(m) * a.y_stride;
      __builtin_prefetch(row, 1);
      __builtin_prefetch(row + columns / 2, 1);
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
    std::memcpy(y + static_cast<std::ptrdiff_t>(m) * a.y_stride, memory.total + m * kColumns,
                columns * sizeof(float));
  }
}

}  // namespace

const PanelKernel<QuantizedLinearArgs>* quantized_panels() {
  // Measured with 4 and 8 bits: two rows are as fast in 16 bits (quantized_kernels.h), and of 512
  // the second cache holds no more than one block beside its panels.
  constexpr std::size_t kFewestRows = 3, kMostRows = 140;
  static constexpr PanelKernel<QuantizedLinearArgs> kKernel{
      kFewestRows,     kMostRows, kColumns, kTileRows,    kBlockRows, kStep,
      weight_bytes_of, row_bytes, pack_x,   memory_bytes, multiply};
  return has_simd(kAvx512Int8) ? &kKernel : nullptr;
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const PanelKernel<QuantizedLinearArgs>* quantized_panels() {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
