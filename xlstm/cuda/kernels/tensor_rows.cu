// y = x W^T of 1 to 64 rows of x by tensor cores, W bfloat16 or quantised in any of MLX's formats,
// x and y bfloat16: the products of decoded tokens. For compute capability 9.0 and newer.
//
// W is the operand with 16 rows, x the one with 8. A block has neighbouring units of 16 rows of W
// (SwiGLU: 8 of gate and 8 of up) and goes along K by slices, which come with x's through a ring of
// shared memory, those of W before the kernel before is done. (Bulk copies of such short rows took 40
// ns each and four times as long in all; so warps copy, 16 bytes a thread.) Of a slice each warp has some columns
// (with many rows of x, of half of the units), and sums are joined at the end.
//
// Quantised W: the numbers are multiplied as they are, in whole numbers that are exact, and a
// group's sums by its scale; its bias meets the sum of x over the group.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/bulk_copy.cuh"
#include "xlstm/cuda/kernels/packed_pairs.cuh"

using xlstm::cuda::QuantizedArgs;
using xlstm::cuda::RowProductArgs;
using xlstm::cuda::TensorRowsArgs;

namespace {

constexpr int kWarps = 8, kThreads = kWarps * kWarp;  // that compute
constexpr int kCopyThreads = 4 * kWarp;               // that copy, besides
constexpr int kMostStages = 16;
constexpr int kRows = 16, kChunk = 32;  // of a unit, and columns that a warp takes together
constexpr int kMostUnits = 6;           // of a block at a time

#if __CUDA_ARCH__ >= 900

// How eight warps share a slice, for kTiles times eight rows of x.
template <int kTiles>
struct Split {
  static constexpr int kBeside = kTiles >= 4 ? 2 : 1;  // warps with other units
  static constexpr int kAlong = kWarps / kBeside;      // warps with other columns
  static constexpr int kUnits = kMostUnits / kBeside;  // of a warp
};

struct Barriers {
  uint64 full[kMostStages], empty[kMostStages], table_full, table_empty;
};

// The units of this block, taken in passes of at most kMostUnits.
struct Passes {
  int begin, units, each;

  __device__ Passes(const RowProductArgs& a) {
    const int64 all = a.N / kRows;
    begin = static_cast<int>(all * blockIdx.x / gridDim.x);
    units = static_cast<int>(all * (blockIdx.x + 1) / gridDim.x) - begin;
    const int passes = (units + kMostUnits - 1) / kMostUnits;
    each = passes > 0 ? (units + passes - 1) / passes : 1;
  }
};

// The row of W that row r of a unit is.
__device__ int row_of(const RowProductArgs& a, int unit, int r) {
  if (a.swiglu == 0) return unit * kRows + r;
  return unit * (kRows / 2) + r % (kRows / 2) + (r < kRows / 2 ? 0 : a.N / 2);
}

// Where a row of `row_bytes` that need not begin at 16 bytes lies in what was copied of it.
__device__ uint32 skew_of(int64 row, uint32 row_bytes) {
  return static_cast<uint32>(row * row_bytes) & 15;
}

// The 16-byte pieces of memory in which `bytes` from `from` on lie.
struct Window {
  const char* begin;
  uint32 bytes;

  __device__ Window(const void* base, int64 from, uint32 count) {
    const int64 first = from & ~static_cast<int64>(15);
    begin = static_cast<const char*>(base) + first;
    bytes = static_cast<uint32>(((from + count + 15) & ~static_cast<int64>(15)) - first);
  }
};

// What the copying warps do: pieces of 16 bytes, neighbouring ones by neighbouring threads. A barrier
// of a stage hears of each thread twice, for W and for x.
template <int kFormat>
struct Copies {
  const RowProductArgs& a;
  const QuantizedArgs& W;
  const TensorRowsArgs& t;
  char* shared;
  Barriers& barriers;
  int thread = threadIdx.x - kThreads;

  // Calls copy(r, piece) for the pieces of rows [0, rows), of which `lanes` threads take one.
  template <typename Copy>
  __device__ void for_pieces(int rows, int lanes, const Copy& copy) const {
    const int piece = thread & (lanes - 1), together = kCopyThreads / lanes;
#pragma unroll 4
    for (int r = thread / lanes; r < rows; r += together) copy(r, piece);
  }

  __device__ void of_table(int unit, int rows) const {
    const uint32 bytes = a.K / W.group * t.scale_bytes;
    const int sets = W.biases != nullptr ? 2 : 1;
    char* const table = shared + t.table_at;
    for_pieces(rows, kWarp, [&](int r, int first) {
      const int64 from = static_cast<int64>(row_of(a, unit + r / kRows, r % kRows)) * bytes;
      for (int set = 0; set < sets; ++set) {
        const Window window(set == 0 ? W.scales : W.biases, from, bytes);
        char* const to = table + (set * t.table_rows + r) * t.table_stride;
        for (uint32 at = 16 * first; at < window.bytes; at += 16 * kWarp) {
          copy_piece(to + at, window.begin + at);
        }
      }
    });
    arrive_when_copied(&barriers.table_full);
  }

  __device__ void of_weights(int stage, int unit, int rows, int k) const {
    const int64 row_bytes = static_cast<int64>(a.K) * kBitsOf<kFormat> / 8;
    const uint32 bytes = min(t.slice, a.K - k) * kBitsOf<kFormat> / 8;
    const int64 column = static_cast<int64>(k) * kBitsOf<kFormat> / 8;
    const void* const base = kFormat == kDense ? a.W : W.words;
    char* const to = shared + static_cast<int64>(stage) * t.stage_bytes;
    for_pieces(rows, t.row_lanes, [&](int r, int first) {
      const int64 n = row_of(a, unit + r / kRows, r % kRows);
      const Window window(base, n * row_bytes + column, bytes);
      for (uint32 at = 16 * first; at < window.bytes; at += 16 * t.row_lanes) {
        copy_piece(to + r * t.row_stride + at, window.begin + at);
      }
    });
    arrive_when_copied(barriers.full + stage);
  }

  __device__ void of_x(int stage, int k) const {
    const uint32 bytes = min(t.slice, a.K - k) * sizeof(bf16);
    char* const to = shared + static_cast<int64>(stage) * t.stage_bytes + t.x_at;
    const char* const from = reinterpret_cast<const char*>(static_cast<const bf16*>(a.x) + k);
    for_pieces(a.M, t.x_lanes, [&](int m, int first) {
      for (uint32 at = 16 * first; at < bytes; at += 16 * t.x_lanes) {
        copy_piece(to + m * t.x_stride + at, from + static_cast<int64>(m) * a.K * 2 + at);
      }
    });
    arrive_when_copied(barriers.full + stage);
  }

  __device__ void run(const Passes& passes) const {
    const int slices = (a.K + t.slice - 1) / t.slice;
    int stage = 0, round = 0, waiting = 0, pass = 0;
    bool may_read_x = false;
    const auto catch_up = [&] {  // x of the stages that have their weights
      wait_for_kernel_before();
      may_read_x = true;
      for (int n = 0; n < waiting; ++n) of_x(n, n % slices * t.slice);
    };
    for (int first = 0; first < passes.units; first += passes.each, ++pass) {
      const int unit = passes.begin + first;
      const int rows = min(passes.each, passes.units - first) * kRows;
      if (kFormat != kDense) {
        if (pass > 0) {
          if (!may_read_x) catch_up();
          barrier_wait(&barriers.table_empty, (pass - 1) & 1);
        }
        of_table(unit, rows);
      }
      for (int slice = 0; slice < slices; ++slice) {
        if (round > 0) {
          if (!may_read_x) catch_up();
          barrier_wait(barriers.empty + stage, (round - 1) & 1);
        }
        of_weights(stage, unit, rows, slice * t.slice);
        if (may_read_x) {
          of_x(stage, slice * t.slice);
        } else {
          ++waiting;
        }
        if (++stage == t.stages) {
          stage = 0;
          ++round;
        }
      }
    }
    if (!may_read_x) catch_up();
  }
};

__device__ void multiply(float (&d)[4], uint32 a0, uint32 a1, uint32 a2, uint32 a3, uint32 b0,
                         uint32 b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

__device__ float table_at(const char* at, int type) {
  switch (type) {
    case 0:
      return *reinterpret_cast<const float*>(at);
    case 1:
      return to_float(*reinterpret_cast<const bf16*>(at));
    case 2:
      return to_float(*reinterpret_cast<const f16*>(at));
    default: {  // 2^(e - 127); the smallest is subnormal
      const uint32 e = *reinterpret_cast<const uint8*>(at);
      return __uint_as_float(e == 0 ? 0x00400000U : e << 23);
    }
  }
}

template <int kFormat, int kTiles>
struct Products {
  using S = Split<kTiles>;
  static constexpr bool kQuantised = kFormat != kDense;
  // Chunks between two uses of a scale, where groups are as long.
  static constexpr int kRun = kQuantised && kTiles <= 4 ? 2 : 1;

  const RowProductArgs& a;
  const QuantizedArgs& W;
  const TensorRowsArgs& t;
  char* shared;
  Barriers& barriers;
  int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  int g = lane / 4, q = lane % 4;  // the lane's row of W and of x, and which eight columns
  int beside = warp % S::kBeside, along = warp / S::kBeside;
  float sum[S::kUnits][kTiles][4];

  // x of a chunk, and its sums over the chunk's columns.
  struct Operand {
    uint32 x[kTiles][4];
    float sums[kTiles][2];
  };

  __device__ void read_x(const char* x, int column, bool there, Operand& to) const {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const int m = min(8 * tile + g, a.M - 1);
      const uint4 read =
          there ? *reinterpret_cast<const uint4*>(x + m * t.x_stride + (column + 8 * q) * 2)
                : make_uint4(0, 0, 0, 0);
      x_pairs<kFormat>(read, to.x[tile]);
      if constexpr (kQuantised && kFormat != kMxfp4) {
        constexpr uint32 kOnes = 0x3F803F80U;
        float d[4] = {};
        multiply(d, kOnes, kOnes, kOnes, kOnes, to.x[tile][0], to.x[tile][1]);
        multiply(d, kOnes, kOnes, kOnes, kOnes, to.x[tile][2], to.x[tile][3]);
        to.sums[tile][0] = d[0], to.sums[tile][1] = d[1];
      }
    }
  }

  // What a group's numbers of rows g and g + 8 are multiplied with, and what meets the sum of x.
  struct Scales {
    float scale, scale8, bias, bias8;
  };

  __device__ Scales scales_of(int unit_row, int64 n, int64 n8, int group) const {
    const uint32 bytes = a.K / W.group * t.scale_bytes;
    const char* const at = shared + t.table_at + unit_row * t.table_stride + group * t.scale_bytes;
    const char* const row = at + skew_of(n, bytes);
    const char* const row8 = at + 8 * t.table_stride + skew_of(n8, bytes);
    Scales s = {table_at(row, W.scale_type), table_at(row8, W.scale_type), 0, 0};
    if (kFormat != kMxfp4) {
      const int biases = t.table_rows * t.table_stride;
      s.bias = table_at(row + biases, W.scale_type) - kOffset<kFormat> * s.scale;
      s.bias8 = table_at(row8 + biases, W.scale_type) - kOffset<kFormat> * s.scale8;
    }
    return s;
  }

  // sum += scale d + bias x_sums
  __device__ static void add_scaled(const Scales& s, const float (&d)[4], const float (&x_sums)[2],
                                    float (&sum)[4]) {
    sum[0] += s.scale * d[0], sum[1] += s.scale * d[1];
    sum[2] += s.scale8 * d[2], sum[3] += s.scale8 * d[3];
    if (kFormat != kMxfp4) {
      sum[0] += s.bias * x_sums[0], sum[1] += s.bias * x_sums[1];
      sum[2] += s.bias8 * x_sums[0], sum[3] += s.bias8 * x_sums[1];
    }
  }

  // Eight columns of rows g and g + 8 of a unit.
  struct Weights {
    uint32 w[kParts<kFormat>][4], w8[kParts<kFormat>][4];
  };

  __device__ static void add_product(const Weights& w, const uint32 (&x)[4], float (&d)[4]) {
    multiply(d, w.w[0][0], w.w8[0][0], w.w[0][1], w.w8[0][1], x[0], x[1]);
    multiply(d, w.w[0][2], w.w8[0][2], w.w[0][3], w.w8[0][3], x[2], x[3]);
    if constexpr (kParts<kFormat> == 2) {  // the upper halves of numbers
      uint32 x16[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) x16[i] = scaled_pair(x[i], 0x41804180U);
      multiply(d, w.w[1][0], w.w8[1][0], w.w[1][1], w.w8[1][1], x16[0], x16[1]);
      multiply(d, w.w[1][2], w.w8[1][2], w.w[1][3], w.w8[1][3], x16[2], x16[3]);
    }
  }

  __device__ void add_run(const char* rows, int unit, int units, int k, int column) {
    const bool apart = kRun == 2 && W.group == kChunk;  // whether each chunk is a group
    Operand x[kRun];
#pragma unroll
    for (int c = 0; c < kRun; ++c) {
      read_x(rows + t.x_at, column + c * kChunk, k + column + c * kChunk < a.K, x[c]);
    }
    if (kRun == 2 && !apart) {
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        x[kRun - 1].sums[tile][0] += x[0].sums[tile][0];
        x[kRun - 1].sums[tile][1] += x[0].sums[tile][1];
      }
    }
    const int64 row_bytes = static_cast<int64>(a.K) * kBitsOf<kFormat> / 8;
    const int at = (column / 8 + q) * kBitsOf<kFormat>;
    const int last_group = kQuantised ? a.K / W.group - 1 : 0;
#pragma unroll
    for (int i = 0; i < S::kUnits; ++i) {
      const int of_block = i * S::kBeside + beside;
      if (of_block >= units) break;
      const int unit_row = of_block * kRows + g;
      const int64 n = row_of(a, unit + of_block, g), n8 = row_of(a, unit + of_block, g + 8);
      constexpr bool kAligned = kFormat == 4 || kFormat == 8 || kFormat == kMxfp4 || !kQuantised;
      const char* const row = rows + unit_row * t.row_stride;
      const char* const row8 = row + 8 * t.row_stride;
      const int skew = kAligned ? 0 : static_cast<int>(skew_of(n, row_bytes));
      const int skew8 = kAligned ? 0 : static_cast<int>(skew_of(n8, row_bytes));
      Weights w[kRun];
#pragma unroll
      for (int c = 0; c < kRun; ++c) {
        unpack_eight<kFormat>(row, at + c * kChunk / 8 * kBitsOf<kFormat> + skew, w[c].w);
        unpack_eight<kFormat>(row8, at + c * kChunk / 8 * kBitsOf<kFormat> + skew8, w[c].w8);
      }
      if constexpr (!kQuantised) {
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) add_product(w[0], x[0].x[tile], sum[i][tile]);
      } else {
        const int group = (k + column) / W.group;
        const Scales first = scales_of(unit_row, n, n8, group);
        Scales last = first;
        if (apart) last = scales_of(unit_row, n, n8, min(group + 1, last_group));
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
          float d[4] = {};
          add_product(w[0], x[0].x[tile], d);
          if constexpr (kRun == 2) {
            if (apart) {
              add_scaled(first, d, x[0].sums[tile], sum[i][tile]);
              d[0] = d[1] = d[2] = d[3] = 0;
            }
            add_product(w[1], x[1].x[tile], d);
          }
          add_scaled(last, d, x[kRun - 1].sums[tile], sum[i][tile]);
        }
      }
    }
  }

  // Sums of all warps; then what comes of them.
  __device__ void write(int unit, int units) {
    constexpr int kStride = 8 * kTiles + 1;
    float* const parts = reinterpret_cast<float*>(shared + t.parts_at);  // [kWarps][kRows][kStride]
    const int half = kRows / 2, outputs = a.swiglu != 0 ? half : kRows;
#pragma unroll
    for (int i = 0; i < S::kUnits; ++i) {
      if (i * S::kBeside >= units) break;
      sync_first<kThreads>();
      float* const own = parts + warp * kRows * kStride;
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        const int column = 8 * tile + 2 * q;
        own[g * kStride + column] = sum[i][tile][0];
        own[g * kStride + column + 1] = sum[i][tile][1];
        own[(g + 8) * kStride + column] = sum[i][tile][2];
        own[(g + 8) * kStride + column + 1] = sum[i][tile][3];
      }
      sync_first<kThreads>();
      for (int at = threadIdx.x; at < S::kBeside * outputs * a.M; at += kThreads) {
        const int r = at % outputs, m = at / outputs % a.M, side = at / outputs / a.M;
        const int of_block = i * S::kBeside + side;
        if (of_block >= units) continue;
        float value = 0, up = 0;
#pragma unroll
        for (int part = 0; part < S::kAlong; ++part) {
          const float* const from = parts + ((part * S::kBeside + side) * kRows + r) * kStride + m;
          value += from[0];
          if (a.swiglu != 0) up += from[half * kStride];
        }
        write_one(unit + of_block, r, m, value, up);
      }
    }
  }

  __device__ void write_one(int unit, int r, int m, float value, float up) const {
    const int n = row_of(a, unit, r);
    const int width = a.swiglu != 0 ? a.N / 2 : a.N;
    if (a.bias != nullptr) value += a.bias[n];
    if (a.swiglu != 0) {
      if (a.bias != nullptr) up += a.bias[a.N / 2 + n];
      value = value * sigmoid_of(value) * up;
    }
    const int64 to = static_cast<int64>(m) * width + n;
    if (a.residual != nullptr) value += to_float(static_cast<const bf16*>(a.residual)[to]);
    static_cast<bf16*>(a.y)[to] = from_float<bf16>(value);
  }

  __device__ void run(const Passes& passes) {
    wait_for_kernel_before();
    const int own = t.slice / S::kAlong, begin = along * own;  // columns of a slice
    int stage = 0, round = 0, pass = 0;
    for (int first = 0; first < passes.units; first += passes.each, ++pass) {
      const int unit = passes.begin + first, units = min(passes.each, passes.units - first);
#pragma unroll
      for (int i = 0; i < S::kUnits; ++i) {
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
          sum[i][tile][0] = sum[i][tile][1] = sum[i][tile][2] = sum[i][tile][3] = 0;
        }
      }
      if (kQuantised) barrier_wait(&barriers.table_full, pass & 1);
      for (int k = 0; k < a.K; k += t.slice) {
        barrier_wait(barriers.full + stage, round & 1);
        const char* const rows = shared + static_cast<int64>(stage) * t.stage_bytes;
        for (int column = begin; column < begin + own; column += kRun * kChunk) {
          if (k + column >= a.K) break;
          add_run(rows, unit, units, k, column);
        }
        __syncwarp();
        if (lane == 0) barrier_arrive(barriers.empty + stage);
        if (++stage == t.stages) {
          stage = 0;
          ++round;
        }
      }
      if (kQuantised && lane == 0) barrier_arrive(&barriers.table_empty);
      write(unit, units);
    }
  }
};

template <int kFormat, int kTiles>
__device__ void tensor_rows(const RowProductArgs& a, const QuantizedArgs& W,
                            const TensorRowsArgs& t) {
  extern __shared__ uint4 memory[];
  __shared__ Barriers barriers;
  char* const shared = reinterpret_cast<char*>(memory);
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < t.stages; ++stage) {
      barrier_init(barriers.full + stage, 2 * kCopyThreads);
      barrier_init(barriers.empty + stage, kWarps);
    }
    barrier_init(&barriers.table_full, kCopyThreads);
    barrier_init(&barriers.table_empty, kWarps);
    barriers_made();
  }
  __syncthreads();
  const Passes passes(a);
  if (threadIdx.x >= kThreads) {
    Copies<kFormat>{a, W, t, shared, barriers}.run(passes);
  } else {
    Products<kFormat, kTiles>{a, W, t, shared, barriers}.run(passes);
  }
}

#else

template <int kFormat, int kTiles>
__device__ void tensor_rows(const RowProductArgs&, const QuantizedArgs&, const TensorRowsArgs&) {}

#endif

}  // namespace

extern "C" {
#define XLSTM_TENSOR_ROWS(kFormat, name, kTiles)                                           \
  __global__ void __launch_bounds__(kThreads + kCopyThreads, 1) tensor_rows_##name##_##kTiles(    \
      RowProductArgs args, QuantizedArgs W, TensorRowsArgs tiles) {                        \
    tensor_rows<kFormat, kTiles>(args, W, tiles);                                          \
  }
#define XLSTM_TENSOR_ROWS_TILES(kFormat, name) \
  XLSTM_TENSOR_ROWS(kFormat, name, 1)          \
  XLSTM_TENSOR_ROWS(kFormat, name, 2)          \
  XLSTM_TENSOR_ROWS(kFormat, name, 4)          \
  XLSTM_TENSOR_ROWS(kFormat, name, 8)
XLSTM_TENSOR_ROWS_TILES(kDense, bf16)
XLSTM_TENSOR_ROWS_TILES(2, 2)
XLSTM_TENSOR_ROWS_TILES(3, 3)
XLSTM_TENSOR_ROWS_TILES(4, 4)
XLSTM_TENSOR_ROWS_TILES(5, 5)
XLSTM_TENSOR_ROWS_TILES(6, 6)
XLSTM_TENSOR_ROWS_TILES(8, 8)
XLSTM_TENSOR_ROWS_TILES(kMxfp4, mxfp4)
}
