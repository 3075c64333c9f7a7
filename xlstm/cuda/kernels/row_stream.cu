// y = x W^T of one row of x, for compute capability 9.0 and newer: as row_product.cu, but W comes
// through a ring of shared memory that bulk copies fill. They begin before the kernel before is
// done, so that a ring full of weights lies ready when x does.
//
// A block has neighbouring rows of W. Each of its threads has some columns of every row, and x at
// these columns in registers; the last warp only starts copies.
#include "xlstm/cuda/kernels/row_stream.cuh"

namespace {

constexpr int kThreads = 256;

#if __CUDA_ARCH__ >= 900

constexpr int kChunk = 8;     // columns that a thread has together
constexpr int kFlush = 128;   // stages whose sums are kept
constexpr int kTogether = 4;  // stages whose sums are added up together
constexpr int kWarps = kThreads / kWarp;

// What the copying warp and the others agree on: stage s of this block is unit begin + s. Units are
// pairs of rows (SwiGLU: of gate and up), then single rows of W2, which have as many bytes.
struct Units {
  int begin, end, pairs;

  __device__ Units(const RowProductArgs& a) {
    pairs = a.swiglu != 0 ? a.N / 2 : (a.N + 1) / 2;
    const int64 all = pairs + a.N2;
    begin = static_cast<int>(all * blockIdx.x / gridDim.x);
    end = static_cast<int>(all * (blockIdx.x + 1) / gridDim.x);
  }
};

__device__ int second_row(const RowProductArgs& a, int unit) {
  return a.swiglu != 0 ? a.N / 2 + unit : 2 * unit + 1;
}

template <typename W>
__device__ void copy_stages(const RowProductArgs& a, const StreamArgs& s, const Units& units,
                            char* ring, uint64* full, uint64* empty) {
  const uint32 row_bytes = a.K * sizeof(W);
  const char* const weights = static_cast<const char*>(a.W);
  for (int unit = units.begin; unit < units.end; ++unit) {
    const int n = unit - units.begin, stage = n % s.stages, round = n / s.stages;
    if (round > 0) {
      barrier_wait(empty + stage, (round - 1) & 1);
      end_before_copies();
    }
    char* const to = ring + static_cast<int64>(stage) * s.stage_bytes;
    if (unit >= units.pairs) {
      const uint32 bytes = a.K * sizeof(float);
      barrier_expect(full + stage, bytes);
      bulk_copy(to, a.W2 + static_cast<int64>(unit - units.pairs) * a.K, bytes, full + stage);
    } else if (a.swiglu != 0) {
      barrier_expect(full + stage, 2 * row_bytes);
      bulk_copy(to, weights + static_cast<int64>(unit) * row_bytes, row_bytes, full + stage);
      bulk_copy(to + row_bytes, weights + static_cast<int64>(second_row(a, unit)) * row_bytes,
                row_bytes, full + stage);
    } else {
      const uint32 bytes = second_row(a, unit) < a.N ? 2 * row_bytes : row_bytes;
      barrier_expect(full + stage, bytes);
      bulk_copy(to, weights + static_cast<int64>(2 * unit) * row_bytes, bytes, full + stage);
    }
  }
}

__device__ float dot(const float* row, const float (&x)[kChunk]) {
  const float4 low = reinterpret_cast<const float4*>(row)[0];
  const float4 high = reinterpret_cast<const float4*>(row)[1];
  return low.x * x[0] + low.y * x[1] + low.z * x[2] + low.w * x[3] + high.x * x[4] + high.y * x[5] +
         high.z * x[6] + high.w * x[7];
}
__device__ float dot(const bf16* row, const float (&x)[kChunk]) {
  const uint4 w = *reinterpret_cast<const uint4*>(row);
  return bf16_low(w.x) * x[0] + bf16_high(w.x) * x[1] + bf16_low(w.y) * x[2] +
         bf16_high(w.y) * x[3] + bf16_low(w.z) * x[4] + bf16_high(w.z) * x[5] +
         bf16_low(w.w) * x[6] + bf16_high(w.w) * x[7];
}

template <typename W, int kChunks>
__device__ float row_dot(const void* row, int K, const float (&x)[kChunks][kChunk]) {
  float sum = 0;
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
    const int at = (j * kThreads + threadIdx.x) * kChunk;
    if (at < K) sum += dot(static_cast<const W*>(row) + at, x[j]);
  }
  return sum;
}

// The sums of one unit's rows, [2][kWarps], are those of all columns: write what comes of them.
template <typename A>
__device__ void write_unit(const RowProductArgs& a, const Units& units, int unit,
                           const float* sums) {
  float value[2];
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    value[r] = 0;
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) value[r] += sums[r * kWarps + warp];
  }
  if (unit >= units.pairs) {
    const int n = unit - units.pairs;
    a.y2[n] = value[0] + (a.bias2 != nullptr ? a.bias2[n] : 0.0F);
    return;
  }
  const int second = second_row(a, unit);
  if (a.swiglu != 0) {
    const float gate = value[0] + (a.bias != nullptr ? a.bias[unit] : 0.0F);
    const float up = value[1] + (a.bias != nullptr ? a.bias[second] : 0.0F);
    static_cast<A*>(a.y)[unit] = from_float<A>(gate * sigmoid_of(gate) * up);
    return;
  }
#pragma unroll
  for (int r = 0; r < 2; ++r) {
    const int n = 2 * unit + r;
    if (n >= a.N) continue;
    float y = value[r] + (a.bias != nullptr ? a.bias[n] : 0.0F);
    if (a.residual != nullptr) y += to_float(static_cast<const A*>(a.residual)[n]);
    static_cast<A*>(a.y)[n] = from_float<A>(y);
  }
}

template <typename A, typename W, int kChunks>
__device__ void compute_stages(const RowProductArgs& a, const StreamArgs& s, const Units& units,
                               const char* ring, uint64* full, uint64* empty, float* sums) {
  __shared__ float scratch[2 * kChunks * kWarps];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  float x[kChunks][kChunk];
  read_x<A, kThreads>(a, x, scratch);
  int stage = 0, round = 0;
  for (int unit = units.begin; unit < units.end; unit += kTogether) {
    float row_sums[2 * kTogether] = {};
#pragma unroll
    for (int each = 0; each < kTogether; ++each) {
      if (unit + each >= units.end) break;
      barrier_wait(full + stage, round & 1);
      const char* const rows = ring + static_cast<int64>(stage) * s.stage_bytes;
      if (unit + each >= units.pairs) {
        row_sums[2 * each] = row_dot<float, kChunks>(rows, a.K, x);
      } else {
        row_sums[2 * each] = row_dot<W, kChunks>(rows, a.K, x);
        if (a.swiglu != 0 || second_row(a, unit + each) < a.N) {
          row_sums[2 * each + 1] = row_dot<W, kChunks>(rows + a.K * sizeof(W), a.K, x);
        }
      }
      __syncwarp();
      if (lane == 0) barrier_arrive(empty + stage);
      if (++stage == s.stages) {
        stage = 0;
        ++round;
      }
    }
    const float mine = sum_of_eight(row_sums);
    const int kept = (unit - units.begin) % kFlush;
    if (lane % 4 == 0) sums[(2 * kept + lane / 4) * kWarps + warp] = mine;
    const int last = min(kept + kTogether, units.end - unit + kept);
    if (last == kFlush || unit + kTogether >= units.end) {
      sync_first<kThreads>();
      if (threadIdx.x < last) {
        write_unit<A>(a, units, unit - kept + threadIdx.x, sums + 2 * threadIdx.x * kWarps);
      }
      sync_first<kThreads>();
    }
  }
}

template <typename A, typename W, int kChunks>
__device__ void row_stream(const RowProductArgs& a, const StreamArgs& s) {
  extern __shared__ uint4 shared[];
  __shared__ uint64 full[kMostStages], empty[kMostStages];
  __shared__ float sums[2 * kFlush * kWarps];
  char* const ring = reinterpret_cast<char*>(shared);
  make_ring_barriers(full, empty, s.stages, kWarps);
  const Units units(a);
  if (threadIdx.x >= kThreads) {
    if (threadIdx.x == kThreads) copy_stages<W>(a, s, units, ring, full, empty);
  } else {
    compute_stages<A, W, kChunks>(a, s, units, ring, full, empty, sums);
  }
}

#else

template <typename A, typename W, int kChunks>
__device__ void row_stream(const RowProductArgs&, const StreamArgs&) {}

#endif

}  // namespace

extern "C" {
#define XLSTM_ROW_STREAM(A, W, kChunks, name)                                 \
  __global__ void __launch_bounds__(kThreads + kWarp, 2)                      \
      row_stream_##name##_##kChunks(RowProductArgs args, StreamArgs stream) { \
    row_stream<A, W, kChunks>(args, stream);                                  \
  }
#define XLSTM_ROW_STREAMS(A, W, name) \
  XLSTM_ROW_STREAM(A, W, 1, name)     \
  XLSTM_ROW_STREAM(A, W, 2, name)     \
  XLSTM_ROW_STREAM(A, W, 4, name)     \
  XLSTM_ROW_STREAM(A, W, 6, name)     \
  XLSTM_ROW_STREAM(A, W, 8, name)
XLSTM_ROW_STREAMS(float, float, f32_f32)
XLSTM_ROW_STREAMS(float, bf16, f32_bf16)
XLSTM_ROW_STREAMS(bf16, bf16, bf16_bf16)
}
