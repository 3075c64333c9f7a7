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

// Groups of a step: their number, units of 4 elements in each, scales of x and what its sums, times
// these, are: [groups][rows]; of W: [groups][32].
struct StepGroups {
  std::size_t count, units;
  const float *x_scales, *x_sums, *w_scales, *w_biases;
  Lines ahead;
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

using AddStep = void (*)(const std::byte* x, const std::byte* w, const StepGroups& groups,
                         float* total);

template <int MR>
void add_step(const std::byte* x, const std::byte* w, const StepGroups& s, float* total) {
  for (std::size_t g = 0; g < s.count; ++g) {
    add_group<MR>(x + g * s.units * MR * 4, w + g * s.units * kUnitBytes, s.units,
                  s.x_scales + g * MR, s.x_sums + g * MR, s.w_scales + g * kColumns,
                  s.w_biases + g * kColumns, s.ahead.part(g, s.count), total);
  }
}

template <int... I>
AddStep add_step_of(std::size_t rows, std::integer_sequence<int, I...>) {
  static constexpr AddStep kSteps[] = {add_step<I + 1>...};
  return kSteps[rows - 1];
}

// All tiles of the task times the step of W at k that lies unpacked in memory.
void multiply_step(const Task& t, std::size_t k, std::size_t count, const Lines& ahead,
                   const Memory& memory) {
  const std::size_t group = group_of(t.args);
  const std::size_t K = t.args.K, rows = t.m1 - t.m0, tiles = ceil_div(rows, kTileRows);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t m = rows * tile / tiles, height = rows * (tile + 1) / tiles - m;
    const std::byte* const x = t.x + m * row_bytes(t.args);
    const auto* const scales = reinterpret_cast<const float*>(x + K * height);
    const std::size_t g = k / group;
    const StepGroups groups{count / group,
                            group / 4,
                            scales + g * height,
                            scales + (K / group + g) * height,
                            memory.scales + g * kColumns,
                            memory.biases + g * kColumns,
                            tile == 0 ? ahead : Lines{nullptr, 0}};
    add_step_of(height, std::make_integer_sequence<int, kTileRows>())(
        x + k * height, memory.codes, groups, memory.total + m * kColumns);
  }
}

void multiply(const Task& t) {
  const QuantizedLinearArgs& a = t.args;
  const std::size_t group = group_of(a);
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
  const std::size_t steps = ceil_div(a.K, kStep);
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t k = step * kStep, count = std::min(kStep, a.K - k);
    unpack(a.W.format, rows.words, k, count, memory.codes);
    unpack(a.W.format, rows.words + 16, k, count, memory.codes + 64);
    for (const Lines& lines : {next.scales.part(step, steps), next.biases.part(step, steps)}) {
      for (std::size_t at = 0; at < lines.count; ++at) {
        __builtin_prefetch(lines.first + at * lines.stride, 0, 2);
      }
    }
    for (std::size_t m = height * step / steps; m < height * (step + 1) / steps; ++m) {
      const float* const row = y + static_cast<std::ptrdiff_t>(m) * a.y_stride;
      __builtin_prefetch(row, 1);
      __builtin_prefetch(row + columns / 2, 1);
      __builtin_prefetch(row + columns - 1, 1);
    }
    multiply_step(t, k, count, next.words.every(step, steps), memory);
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
