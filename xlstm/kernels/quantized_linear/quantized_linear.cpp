// quantized_linear() for the machine at hand: x is packed once, then the rows of W are divided
// among threads, and each thread's range into chunks (xlstm/kernels/linear/interleaved_rows.h).
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/linear/interleaved_rows.h"
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/quantized_linear/quantized_many_rows.h"

namespace xlstm::kernels {
namespace {

constexpr std::size_t kLine = 64;

// Bytes of one row of W in each of its arrays.
struct RowBytes {
  explicit RowBytes(const QuantizedLinearArgs& a) {
    const auto bits = static_cast<std::size_t>(a.W.format.bits);
    const bool affine = a.W.format.mode == QuantizationMode::kAffine;
    const std::size_t groups = a.K / static_cast<std::size_t>(a.W.format.group_size);
    words = a.K / 8 * bits;
    scales = groups * (affine ? weight_bytes(a.W.scale_type) : 1);
    biases = affine ? scales : 0;
  }
  std::size_t words, scales, biases;
};

// How many of the last rows of W have less than kQuantizedSlack bytes behind them.
std::size_t rows_at_the_end(const QuantizedLinearArgs& a, const RowBytes& bytes) {
  const std::size_t least = std::min(bytes.words, bytes.scales);
  return std::min(a.N, ceil_div(kQuantizedSlack, least));
}

// Where the parts of the scratch memory begin.
struct Layout {
  Layout(const QuantizedLinearArgs& a, const RowBytes& bytes, std::size_t unit)
      : codes_of_row(round_up(a.K, unit)),
        groups_of_row(round_up(a.K / static_cast<std::size_t>(a.W.format.group_size) + 16, 16)),
        end_rows(rows_at_the_end(a, bytes)) {
    const auto take = [this](std::size_t count) {
      const std::size_t at = size;
      size += round_up(count, kLine);
      return at;
    };
    codes = take(a.M * 2 * round_up(codes_of_row, kLine));
    scales = take(a.M * groups_of_row * sizeof(float));
    sums = take(a.M * groups_of_row * sizeof(float));
    row = take(codes_of_row * sizeof(std::int16_t));
    end_words = take(end_rows * bytes.words + kQuantizedSlack);
    end_scales = take(end_rows * bytes.scales + kQuantizedSlack);
    end_biases = take(end_rows * bytes.biases + kQuantizedSlack);
  }
  std::size_t codes_of_row, groups_of_row, end_rows;
  std::size_t codes, scales, sums, row, end_words, end_scales, end_biases;
  std::size_t size = 0;
};

PackedRows pack_rows(const QuantizedLinearArgs& a, const QuantizedKernels& kernels,
                     const Layout& layout, std::byte* memory) {
  const PackedRows rows{reinterpret_cast<std::int8_t*>(memory + layout.codes),
                        reinterpret_cast<float*>(memory + layout.scales),
                        reinterpret_cast<float*>(memory + layout.sums),
                        2 * round_up(layout.codes_of_row, kLine), layout.groups_of_row};
  std::memset(rows.scales, 0, layout.row - layout.scales);
  for (std::size_t m = 0; m < a.M; ++m) {
    kernels.pack(a.x + static_cast<std::ptrdiff_t>(m) * a.x_stride, a.K, a.W.format,
                 rows.from_row(m), reinterpret_cast<std::int16_t*>(memory + layout.row));
  }
  return rows;
}

// The last rows of W in memory of our own, with room behind them.
QuantizedMatrix copy_end(const QuantizedLinearArgs& a, const RowBytes& bytes, const Layout& layout,
                         std::byte* memory) {
  const auto copy = [&](const void* from, std::size_t row_bytes, std::size_t at) -> std::byte* {
    if (row_bytes == 0) return nullptr;
    const std::size_t count = layout.end_rows * row_bytes;
    std::memcpy(memory + at, static_cast<const std::byte*>(from) + a.N * row_bytes - count, count);
    std::memset(memory + at + count, 0, kQuantizedSlack);
    return memory + at;
  };
  QuantizedMatrix end = a.W;
  end.words = reinterpret_cast<std::uint32_t*>(copy(a.W.words, bytes.words, layout.end_words));
  end.scales = copy(a.W.scales, bytes.scales, layout.end_scales);
  end.biases = copy(a.W.biases, bytes.biases, layout.end_biases);
  return end;
}

std::size_t threads_for(const QuantizedLinearArgs& a, const RowBytes& bytes, std::size_t all) {
  constexpr double kWorthAThread =
      10.0;  // microseconds; weights come at 15 GB/s, products at 25 G/s
  const auto rows = static_cast<double>(a.N);
  const double cost_us = std::max(rows * static_cast<double>(bytes.words) / 15e3,
                                  rows * static_cast<double>(a.M * a.K) / 25e3);
  const double most = cost_us / kWorthAThread;
  return most >= static_cast<double>(all)
             ? all
             : std::max<std::size_t>(1, static_cast<std::size_t>(most));
}

void multiply_nothing(const QuantizedLinearArgs& a) {
  for (std::size_t m = 0; m < a.M; ++m) {
    for (std::size_t n = 0; n < a.N; ++n) {
      a.y[static_cast<std::ptrdiff_t>(m) * a.y_stride + static_cast<std::ptrdiff_t>(n)] =
          a.bias == nullptr ? 0.0F : a.bias[n];
    }
  }
}

}  // namespace

void quantized_linear_few_rows(ThreadPool& pool, const QuantizedLinearArgs& a) {
  if (a.K == 0) return multiply_nothing(a);
  const QuantizedKernels* const kernels = quantized_kernels();
  if (kernels == nullptr) {  // a compiler without vectors
    return quantized_linear_reference(a.x, a.x_stride, a.W, a.bias, a.y, a.y_stride, a.M, a.N, a.K);
  }
  const RowBytes bytes(a);
  const Layout layout(a, bytes, kernels->unit(a.W.format));
  const ScratchLease scratch = pool.scratch(layout.size, "quantized_linear");
  std::byte* const memory = scratch.bytes();
  QuantizedRange all{a.W, a.bias, a.y, a.y_stride, {}, a.M, a.K, 0, a.N - layout.end_rows};
  all.x = pack_rows(a, *kernels, layout, memory);
  QuantizedRange end = all;
  end.W = copy_end(a, bytes, layout, memory);
  end.y += all.n1;
  if (a.bias != nullptr) end.bias += all.n1;
  end.n1 = layout.end_rows;
  const std::size_t threads = threads_for(a, bytes, pool.size());
  const std::size_t chunks = threads == 1 ? 1 : kChunksPerThread;
  const auto run_chunk = [&](std::size_t task) {
    const std::size_t range = task / chunks;
    QuantizedRange mine = all;
    mine.n0 = all.n1 * range / threads;
    mine.n1 = all.n1 * (range + 1) / threads;
    mine.chunk = task % chunks;
    mine.chunks = chunks;
    kernels->multiply(mine);
    if (task + 1 == threads * chunks) kernels->multiply(end);
  };
  pool.parallel_for(threads * chunks, run_chunk, threads);
}

void quantized_linear(ThreadPool& pool, const float* x, std::ptrdiff_t x_stride,
                      const QuantizedMatrix& W, const float* bias, float* y,
                      std::ptrdiff_t y_stride, std::size_t M, std::size_t N, std::size_t K) {
  assert(K % static_cast<std::size_t>(W.format.group_size) == 0);
  assert(M == 0 || N == 0 || (y != nullptr && (K == 0 || (x != nullptr && W.words != nullptr))));
  assert(K == 0 || N == 0 || W.scales != nullptr);
  assert(K == 0 || N == 0 || (W.biases != nullptr) == (W.format.mode == QuantizationMode::kAffine));
  assert(M < 2 || (x_stride >= static_cast<std::ptrdiff_t>(K) &&
                   y_stride >= static_cast<std::ptrdiff_t>(N)));
  if (M == 0 || N == 0) return;
  const QuantizedLinearArgs args{x, x_stride, W, bias, y, y_stride, M, N, K};
  if (M <= quantized_linear_dot_rows() || K == 0) {
    quantized_linear_few_rows(pool, args);
  } else {
    quantized_linear_many_rows(pool, args);
  }
}

}  // namespace xlstm::kernels
