// As row_stream.cu, for float32 x and quantised W in MLX's affine layout of 2, 4 or 8 bits
// (tensor_row.cu: for bfloat16 x, in every format).
//
// The bits of a number q become the upper ones of the mantissa of 1 + q / 2^bits, a float, with one
// shift and one logical operation; so that y = s' sum(f x) + (b - s') sum(x), s' = s 2^bits.
#include "xlstm/cuda/kernels/eight_row_stages.cuh"

namespace {

constexpr int kThreads = 256;

#if __CUDA_ARCH__ >= 900

constexpr int kChunk = 16;  // columns that a thread has together: one group's
constexpr int kFlush = 16;  // stages whose sums are kept
constexpr int kWarps = kThreads / kWarp;

// Number `i` of a word as 1 + q / 2^kBits.
template <int kBits>
__device__ float unpacked(uint32 word, int i) {
  constexpr uint32 kMask = ((1U << kBits) - 1) << (23 - kBits);
  const int left = 23 - kBits - i * kBits;
  const uint32 moved = left >= 0 ? word << left : word >> -left;
  return __uint_as_float((moved & kMask) | 0x3F800000U);
}

// Sum of f x over a thread's sixteen columns.
template <int kBits>
__device__ float dot(const uint32* words, const float (&x)[kChunk]) {
  constexpr int kWords = kBits / 2, kEach = 32 / kBits;
  uint32 w[kWords];
  if constexpr (kBits == 8) {
    const uint4 read = *reinterpret_cast<const uint4*>(words);
    w[0] = read.x, w[1] = read.y, w[2] = read.z, w[3] = read.w;
  } else if constexpr (kBits == 4) {
    const uint2 read = *reinterpret_cast<const uint2*>(words);
    w[0] = read.x, w[1] = read.y;
  } else {
    w[0] = *words;
  }
  float even = 0, odd = 0;
#pragma unroll
  for (int i = 0; i < kChunk; i += 2) {
    even += unpacked<kBits>(w[i / kEach], i % kEach) * x[i];
    odd += unpacked<kBits>(w[(i + 1) / kEach], (i + 1) % kEach) * x[i + 1];
  }
  return even + odd;
}

template <int kBits, typename Scale, int kChunks>
__device__ void eight_rows(const char* from, const QuantizedArgs& W, const Parts& parts, int K,
                           const float (&x)[kChunks][kChunk], const float (&x_sum)[kChunks],
                           float (&sums)[kRows]) {
  const int groups = K / W.group;
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    sums[r] = 0;
#pragma unroll
    for (int j = 0; j < kChunks; ++j) {
      const int at = (j * kThreads + threadIdx.x) * kChunk;
      if (at >= K) continue;
      const auto* const words = reinterpret_cast<const uint32*>(from) + (r * K + at) / 32 * kBits +
                                at % 32 / (32 / kBits);
      const int group = r * groups + at / W.group;
      const float scale =
          to_float(reinterpret_cast<const Scale*>(from + parts.words)[group]) * (1 << kBits);
      const float bias =
          to_float(reinterpret_cast<const Scale*>(from + parts.words + parts.scales)[group]);
      sums[r] += scale * dot<kBits>(words, x[j]) + (bias - scale) * x_sum[j];
    }
  }
}

// Row `row` of a unit from the sums of its one or two rows of W, [kWarps] each.
template <typename A>
__device__ void write_sums(const RowProductArgs& a, const Units& units, int unit, int row,
                           const float* sums) {
  float value[2] = {};
#pragma unroll
  for (int warp = 0; warp < kWarps; ++warp) {
    value[0] += sums[row * kWarps + warp];
    value[1] += sums[(kRows + row) * kWarps + warp];
  }
  write_row<A>(a, units, unit, row, value[0], value[1], residual_of<A>(a, units, unit, row));
}

template <int kBits, typename A, typename Scale, int kChunks>
__device__ void compute_stages(const RowProductArgs& a, const QuantizedArgs& W, const StreamArgs& s,
                               const Units& units, const char* ring, uint64* full, uint64* empty,
                               float* sums) {
  __shared__ float scratch[2 * kChunks * kWarps];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const Parts parts(W, a.K, sizeof(Scale));
  float x[kChunks][kChunk], x_sum[kChunks] = {};
  read_x<A, kThreads>(a, x, scratch);
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
#pragma unroll
    for (int i = 0; i < kChunk; ++i) x_sum[j] += x[j][i];
  }
  int stage = 0, round = 0;
  for (int unit = units.begin; unit < units.end; ++unit) {
    barrier_wait(full + stage, round & 1);
    const char* const from = ring + static_cast<int64>(stage) * s.stage_bytes;
    const int kept = (unit - units.begin) % kFlush;
    float* const to = sums + kept * 2 * kRows * kWarps;
    for (int set = 0; set < (a.swiglu != 0 ? 2 : 1); ++set) {
      float row_sums[kRows] = {};
      if (unit >= units.eights) {
        if (set > 0) break;
#pragma unroll
        for (int j = 0; j < kChunks; ++j) {
          const int at = (j * kThreads + threadIdx.x) * kChunk;
          if (at >= a.K) continue;
          float w[kChunk];
          read_chunk(reinterpret_cast<const float*>(from) + at, w);
#pragma unroll
          for (int i = 0; i < kChunk; ++i) row_sums[0] += w[i] * x[j][i];
        }
      } else {
        eight_rows<kBits, Scale>(from + set * parts.all, W, parts, a.K, x, x_sum, row_sums);
      }
      const float mine = sum_of_eight(row_sums);
      if (lane % 4 == 0) to[(set * kRows + lane / 4) * kWarps + warp] = mine;
    }
    __syncwarp();
    if (lane == 0) barrier_arrive(empty + stage);
    if (++stage == s.stages) {
      stage = 0;
      ++round;
    }
    if (kept == kFlush - 1 || unit == units.end - 1) {
      sync_first<kThreads>();
      const int of = threadIdx.x / kRows;
      if (of <= kept) {
        write_sums<A>(a, units, unit - kept + of, threadIdx.x % kRows,
                      sums + of * 2 * kRows * kWarps);
      }
      sync_first<kThreads>();
    }
  }
}

template <int kBits, typename A, typename Scale, int kChunks>
__device__ void quantized_stream(const RowProductArgs& a, const QuantizedArgs& W,
                                 const StreamArgs& s) {
  extern __shared__ uint4 shared[];
  __shared__ uint64 full[kMostStages], empty[kMostStages];
  __shared__ float sums[2 * kRows * kFlush * kWarps];
  char* const ring = reinterpret_cast<char*>(shared);
  make_ring_barriers(full, empty, s.stages, kWarps);
  const Units units(a);
  if (threadIdx.x >= kThreads) {
    const Parts parts(W, a.K, sizeof(Scale));
    copy_stages(a, W, s, parts, units, ring, full, empty);
  } else {
    compute_stages<kBits, A, Scale, kChunks>(a, W, s, units, ring, full, empty, sums);
  }
}

#else

template <int kBits, typename A, typename Scale, int kChunks>
__device__ void quantized_stream(const RowProductArgs&, const QuantizedArgs&, const StreamArgs&) {}

#endif

}  // namespace

extern "C" {
#define XLSTM_QUANTIZED(kBits, A, Scale, kChunks, name)                                   \
  __global__ void __launch_bounds__(kThreads + kWarp, 1)                                  \
      quantized_stream_##kBits##_##name##_##kChunks(RowProductArgs args, QuantizedArgs W, \
                                                    StreamArgs stream) {                  \
    quantized_stream<kBits, A, Scale, kChunks>(args, W, stream);                          \
  }
#define XLSTM_QUANTIZED_SIZES(kBits, A, Scale, name) \
  XLSTM_QUANTIZED(kBits, A, Scale, 1, name)          \
  XLSTM_QUANTIZED(kBits, A, Scale, 3, name)
#define XLSTM_QUANTIZED_BITS(A, Scale, name) \
  XLSTM_QUANTIZED_SIZES(2, A, Scale, name)   \
  XLSTM_QUANTIZED_SIZES(4, A, Scale, name)   \
  XLSTM_QUANTIZED_SIZES(8, A, Scale, name)
XLSTM_QUANTIZED_BITS(float, float, f32_f32)
XLSTM_QUANTIZED_BITS(float, bf16, f32_bf16)
}
