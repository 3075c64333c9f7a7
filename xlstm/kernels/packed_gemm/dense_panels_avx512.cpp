// Panels of float32 and, with vdpbf16ps, of bf16 weights. A unit is 32 bits: an element, or a pair
// of neighbours along K.
//   a tile of x: [K units][rows],
//   a step of W: [64 units][32].
// Blocks of K are summed one by one, as packed_gemm() does.
#include "xlstm/kernels/packed_gemm/dense_panels.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/packed_gemm/avx512-inl.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/simd/simd.h"

namespace xlstm::kernels {
namespace {

using Task = PanelTask<LinearArgs>;

constexpr std::size_t kColumns = 32, kTileRows = 14, kBlockRows = 70;
constexpr std::size_t kStep = 64;        // units that are transposed together
constexpr std::size_t kUnitBytes = 128;  // of a unit of all columns

struct Float32 {
  static constexpr std::size_t kElements = 1;  // of a unit

  static XLSTM_AVX512_BF16 inline __m512 add_product(__m512 sum, __m512i x, __m512i w) {
    return _mm512_fmadd_ps((__m512)x, (__m512)w, sum);
  }
  // 16 units of a row, of which `there` elements are there.
  static XLSTM_AVX512_BF16 inline __m512i load_x(const float* x, std::size_t there) {
    const __mmask16 mask = there >= 16 ? 0xFFFF : static_cast<__mmask16>((1U << there) - 1);
    return _mm512_maskz_loadu_epi32(mask, x);
  }
  // K is summed in blocks of as many elements.
  static std::size_t block(std::size_t K) { return block_depth(float_tile(), K); }
  static std::size_t block_depth(const MicroKernel& tile, std::size_t K) {
    const std::size_t blocks = ceil_div(K, tile.depth), multiple = tile.depth_multiple;
    return ceil_div(K, blocks * multiple) * multiple;
  }
};

struct Bf16 {
  static constexpr std::size_t kElements = 2;

  static XLSTM_AVX512_BF16 inline __m512 add_product(__m512 sum, __m512i x, __m512i w) {
    return _mm512_dpbf16_ps(sum, (__m512bh)x, (__m512bh)w);
  }
  static XLSTM_AVX512_BF16 inline __m512i load_x(const float* x, std::size_t there) {
    const __m512i low = Float32::load_x(x, there);
    const __m512i high = there > 16 ? Float32::load_x(x + 16, there - 16) : _mm512_setzero_si512();
    return (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
  }
  static std::size_t block(std::size_t K) { return Float32::block_depth(bf16_tile()->kernel, K); }
};

template <class Type>
std::size_t weight_bytes_of(const LinearArgs& a) {
  return a.K * 4 / Type::kElements;
}

template <class Type>
std::size_t row_bytes(const LinearArgs& a) {
  return round_up(a.K, 16 * Type::kElements) / Type::kElements * 4;
}

struct Memory {
  explicit Memory(std::byte* p)
      : units(p),
        ends(p + kStep * kUnitBytes),
        sum(reinterpret_cast<float*>(ends + kColumns * 16)),
        total(sum + kBlockRows * kColumns) {}
  std::byte* units;  // of a step
  std::byte* ends;   // of rows of W, padded: [32] x 16 bytes
  float* sum;        // of a block of K: [rows, 32]
  float* total;      // of those before: [rows, 32]
};

std::size_t memory_bytes(const LinearArgs&) {
  return kStep * kUnitBytes + kColumns * 16 + 2 * kBlockRows * kColumns * sizeof(float);
}

template <class Type>
XLSTM_AVX512_BF16 void pack_x(const LinearArgs& a, std::size_t m0, std::size_t rows, std::size_t k0,
                              std::size_t k1, std::byte* tile) {
  const float* const x = a.x + static_cast<std::ptrdiff_t>(m0) * a.x_stride;
  const auto mask = static_cast<__mmask16>((1U << rows) - 1);
  for (std::size_t k = k0; k < k1; k += 16 * Type::kElements) {
    __m512i r[16];
    for (std::size_t m = 0; m < 16; ++m) {
      r[m] = m < rows ? Type::load_x(x + static_cast<std::ptrdiff_t>(m) * a.x_stride + k, k1 - k)
                      : _mm512_setzero_si512();
    }
    avx512::transpose(r);
    for (std::size_t u = 0; u < 16; ++u) {
      _mm512_mask_storeu_epi32(tile + (k / Type::kElements + u) * rows * 4, mask, r[u]);
    }
  }
}

// Units [unit, unit + count) of 16 rows -> every other 64 bytes of `to`. What lies behind the last
// whole 16 bytes of a row goes by way of `ends`.
XLSTM_AVX512 void transpose_units(const std::byte* const* rows, std::size_t unit, std::size_t count,
                                  std::size_t row_bytes, std::byte* ends, std::byte* to) {
  for (std::size_t at = unit; at < unit + count; at += 4, to += 4 * kUnitBytes) {
    __m512i r[4];
    if (at * 4 + 16 <= row_bytes) {
      avx512::load_words(rows, at * 4, r);
    } else {
      const std::byte* padded[16];
      for (int c = 0; c < 16; ++c) {
        std::memset(ends + c * 16, 0, 16);
        std::memcpy(ends + c * 16, rows[c] + at * 4, row_bytes - at * 4);
        padded[c] = ends + c * 16;
      }
      avx512::load_words(padded, 0, r);
    }
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) _mm512_store_si512(to + j * kUnitBytes, r[j]);
  }
}

// sum += x W^T over a step, [MR, 32].
template <class Type, int MR>
XLSTM_AVX512_BF16 __attribute__((noinline)) void add_step(const std::byte* x, const std::byte* w,
                                                          std::size_t units, const Lines& ahead,
                                                          float* to) {
  constexpr std::size_t kPrefetchUnits = 12;
  __m512 sum[MR][2];
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    sum[m][0] = _mm512_load_ps(to + m * static_cast<int>(kColumns));
    sum[m][1] = _mm512_load_ps(to + m * static_cast<int>(kColumns) + 16);
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
      sum[m][0] = Type::add_product(sum[m][0], row, w0);
      sum[m][1] = Type::add_product(sum[m][1], row, w1);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    _mm512_store_ps(to + m * static_cast<int>(kColumns), sum[m][0]);
    _mm512_store_ps(to + m * static_cast<int>(kColumns) + 16, sum[m][1]);
  }
}

using AddStep = void (*)(const std::byte* x, const std::byte* w, std::size_t units,
                         const Lines& ahead, float* to);

template <class Type, int... I>
AddStep add_step_of(std::size_t rows, std::integer_sequence<int, I...>) {
  static constexpr AddStep kSteps[] = {add_step<Type, I + 1>...};
  return kSteps[rows - 1];
}

// All tiles of the task times the step of W that begins with `unit`.
template <class Type>
void multiply_step(const Task& t, std::size_t unit, std::size_t count, const Lines& ahead,
                   const Memory& memory) {
  const RowCut tiles(0, t.m1 - t.m0, kTileRows);
  for (std::size_t tile = 0; tile < tiles.count; ++tile) {
    const std::size_t m = tiles.begin(tile), height = tiles.begin(tile + 1) - m;
    add_step_of<Type>(height, std::make_integer_sequence<int, kTileRows>())(
        t.x + m * row_bytes<Type>(t.args) + unit * height * 4, memory.units, count,
        ahead.part(tile, tiles.count), memory.sum + m * kColumns);
  }
}

void add_block(std::size_t rows, const Memory& memory) {
  for (std::size_t at = 0; at < rows * kColumns; ++at) memory.total[at] += memory.sum[at];
  std::memset(memory.sum, 0, rows * kColumns * sizeof(float));
}

template <class Type>
void multiply(const Task& t) {
  const LinearArgs& a = t.args;
  const Memory memory(t.memory);
  const std::size_t bytes = weight_bytes_of<Type>(a);
  const std::size_t columns = std::min(kColumns, a.N - t.n), height = t.m1 - t.m0;
  const std::byte* rows[kColumns];
  for (std::size_t c = 0; c < kColumns; ++c) {
    rows[c] = static_cast<const std::byte*>(a.W) + std::min(t.n + c, a.N - 1) * bytes;
  }
  const std::size_t next = std::min(t.n + kColumns, a.N);
  const Lines ahead{static_cast<const std::byte*>(a.W) + next * bytes,
                    std::min(kColumns, a.N - next) * bytes / 64};
  float first[kColumns] = {};
  if (a.bias != nullptr) std::memcpy(first, a.bias + t.n, columns * sizeof(float));
  for (std::size_t m = 0; m < height; ++m) {
    std::memcpy(memory.total + m * kColumns, first, sizeof first);
  }
  std::memset(memory.sum, 0, height * kColumns * sizeof(float));
  float* const y = a.y + static_cast<std::ptrdiff_t>(t.m0) * a.y_stride + t.n;
  const std::size_t units = ceil_div(a.K, Type::kElements);
  const std::size_t block = Type::block(a.K) / Type::kElements;
  const std::size_t steps = ceil_div(units, kStep);  // roughly: blocks end steps
  std::size_t step = 0;
  for (std::size_t unit = 0; unit < units; ++step) {
    const std::size_t block_end = std::min(units, (unit / block + 1) * block);
    const std::size_t count = std::min(kStep, block_end - unit);
    transpose_units(rows, unit, count, bytes, memory.ends, memory.units);
    transpose_units(rows + 16, unit, count, bytes, memory.ends, memory.units + 64);
    if (step < steps) {
      for (std::size_t m = height * step / steps; m < height * (step + 1) / steps; ++m) {
        const float* const row = y + static_cast<std::ptrdiff_t>(m) * a.y_stride;
        __builtin_prefetch(row, 1);
        __builtin_prefetch(row + columns / 2, 1);
        __builtin_prefetch(row + columns - 1, 1);
      }
    }
    multiply_step<Type>(t, unit, count, step < steps ? ahead.every(step, steps) : Lines{nullptr, 0},
                        memory);
    unit += count;
    if (unit == block_end) add_block(height, memory);
  }
  for (std::size_t m = 0; m < height; ++m) {
    std::memcpy(y + static_cast<std::ptrdiff_t>(m) * a.y_stride, memory.total + m * kColumns,
                columns * sizeof(float));
  }
}

template <class Type>
constexpr PanelKernel<LinearArgs> kernel_of(std::size_t fewest_rows) {
  constexpr std::size_t kMostRows = 140;
  return {fewest_rows,
          kMostRows,
          kColumns,
          kTileRows,
          kBlockRows,
          16 * Type::kElements,
          weight_bytes_of<Type>,
          row_bytes<Type>,
          pack_x<Type>,
          memory_bytes,
          multiply<Type>};
}

}  // namespace

const PanelKernel<LinearArgs>* dense_panels(WeightType type) {
  // Measured: up to 8 rows products of float32 keep up with memory, also of bf16 weights.
  static constexpr PanelKernel<LinearArgs> kFloat32 = kernel_of<Float32>(kLinearDotRows + 1);
  static constexpr PanelKernel<LinearArgs> kBf16 = kernel_of<Bf16>(9);
  if (!has_simd(kAvx512Bf16) || type == WeightType::kF16) return nullptr;
  return type == WeightType::kF32 ? &kFloat32 : &kBf16;
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const PanelKernel<LinearArgs>* dense_panels(WeightType /*type*/) {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
