// y = x W^T of 1 to 64 rows of x by tensor cores, W quantised in any of MLX's formats, x and y
// bfloat16. For compute capability 9.0 and newer.
//
// W is the operand with 16 rows, x the one with 8. A block has neighbouring units of 16 rows of W
// (SwiGLU: 8 of gate and 8 of up) and goes along K by slices, which come with x's through a ring of
// shared memory, those of W before the kernel before is done. Of a slice each warp has some columns
// (with many rows of x, of half of the units), and sums are joined at the end.
//
// The numbers of W are multiplied as they are, whole numbers that are exact, and a group's sums by
// its scale; its bias meets the sum of x over the group. Nothing is rounded before the result.
#include "xlstm/cuda/kernels/multiply.cuh"
#include "xlstm/cuda/kernels/row_result.cuh"
#include "xlstm/cuda/kernels/tensor_copies.cuh"

namespace {

template <typename Scale>
constexpr bool kIsAny = false;
template <>
constexpr bool kIsAny<AnyScale> = true;

#if __CUDA_ARCH__ >= 900

constexpr int kMostUnits = 6;  // of a block at a time

// How eight warps share a slice, for kTiles times eight rows of x.
template <int kTiles>
struct Split {
  static constexpr int kBeside = kTiles >= 4 ? 2 : 1;  // warps with other units
  static constexpr int kAlong = kWarps / kBeside;      // warps with other columns
  static constexpr int kUnits = kMostUnits / kBeside;  // of a warp
};

template <int kFormat, typename Scale, int kTiles>
struct Products {
  using S = Split<kTiles>;
  // Chunks between two uses of a scale, where groups are as long.
  static constexpr int kRun = kTiles <= (kFormat == 8 ? 2 : 4) ? 2 : 1;

  const RowProductArgs& a;
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

  // `x`: of row g of the first eight, this lane's columns of the chunk.
  __device__ void read_x(const char* x, bool there, Operand& to) const {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {  // rows past the last one are zeros
      const uint4 read =
          there ? *reinterpret_cast<const uint4*>(x + tile * 8 * kPiece) : make_uint4(0, 0, 0, 0);
      x_pairs(read, to.x[tile]);
      if constexpr (kFormat != kMxfp4) {
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

  // Where row g's scale of a group lies in a unit's part of the table, and row g + 8's.
  struct Place {
    int at, at8;
  };

  __device__ float scale_at(const char* at) const {
    return ScaleAt<Scale>::read(at, t.scale_bytes);
  }

  __device__ Place place_of(int group) const {
    const int byte = group * ScaleAt<Scale>::bytes(t.scale_bytes);
    if (t.table_is_swizzled != 0) {
      const int at = swizzled(byte, g, t.units * kRows * kPiece);
      return {at, at + t.second_rows};
    }
    return {g * t.table_row + byte, (g + 8) * t.table_row + byte};
  }

  __device__ Scales scales_of(const char* unit, const Place& place) const {
    Scales s = {scale_at(unit + place.at), scale_at(unit + place.at8), 0, 0};
    if constexpr (kFormat != kMxfp4) {
      const char* const biases = unit + t.table_set;
      s.bias = scale_at(biases + place.at) - kOffset<kFormat> * s.scale;
      s.bias8 = scale_at(biases + place.at8) - kOffset<kFormat> * s.scale8;
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

  // One of the two steps of 16 columns that a chunk is.
  template <int kStep>
  __device__ static void add_step(const Weights& w, const uint32 (&x)[4], float (&d)[4]) {
    constexpr int i = 2 * kStep;
    multiply(d, w.w[0][i], w.w8[0][i], w.w[0][i + 1], w.w8[0][i + 1], x[i], x[i + 1]);
    if constexpr (kParts<kFormat> == 2) {  // the upper halves of numbers, with 16 x
      multiply(d, w.w[1][i], w.w8[1][i], w.w[1][i + 1], w.w8[1][i + 1],
               scaled_pair(x[i], 0x41804180U), scaled_pair(x[i + 1], 0x41804180U));
    }
  }

  // Where a run's columns lie in a stage.
  struct Run {
    EightBytes w[kRun];
    int x[kRun];
  };

  __device__ Run run_at(int column) const {
    Run run;
#pragma unroll
    for (int c = 0; c < kRun; ++c) {
      const int chunk = column + c * kChunk, own = chunk + 8 * q;
      run.w[c] = EightBytes::of<kFormat>(chunk, g, q, t.units * kRows * kPiece);
      run.x[c] = t.x_at + own / 64 * t.x_piece + g * kPiece + (((own / 8) ^ g) & 7) * 16;
    }
    return run;
  }

  // kCount units, of which those past this block's are read as they are and go nowhere: so that
  // there is nothing to decide between them, and their instructions overlap.
  template <int kCount>
  __device__ void add_run(const char* stage, int k, const Run& run) {
    const bool apart = kRun == 2 && t.group_shift == 5;  // whether each chunk is a group
    Operand x[kRun];
#pragma unroll
    for (int c = 0; c < kRun; ++c) read_x(stage + run.x[c], k + c * kChunk < a.K, x[c]);
    const Place place = place_of(k >> t.group_shift);
    if (kRun == 2 && !apart) {
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        x[0].sums[tile][0] += x[kRun - 1].sums[tile][0];
        x[0].sums[tile][1] += x[kRun - 1].sums[tile][1];
      }
    }
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      const int of_block = i * S::kBeside + beside;
      const char* const rows = stage + of_block * t.unit_bytes;
      const char* const table = shared + t.table_at + of_block * t.table_unit;
      Weights w[kRun];
#pragma unroll
      for (int c = 0; c < kRun; ++c) {
        unpack_eight<kFormat>(rows, run.w[c], w[c].w);
        unpack_eight<kFormat>(rows + t.second_rows, run.w[c], w[c].w8);
      }
      float d[kRun][kTiles][4] = {};
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
        for (int c = 0; c < kRun; ++c) add_step<0>(w[c], x[c].x[tile], d[c][tile]);
      }
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
        for (int c = 0; c < kRun; ++c) add_step<1>(w[c], x[c].x[tile], d[c][tile]);
      }
      const Scales first = scales_of(table, place);
      if constexpr (kRun == 2) {
        if (apart) {
          const int group = min((k >> t.group_shift) + 1, (a.K >> t.group_shift) - 1);
          const Scales last = scales_of(table, place_of(group));
#pragma unroll
          for (int tile = 0; tile < kTiles; ++tile) {
            add_scaled(last, d[1][tile], x[1].sums[tile], sum[i][tile]);
          }
        } else {
#pragma unroll
          for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
            for (int j = 0; j < 4; ++j) d[0][tile][j] += d[1][tile][j];
          }
        }
      }
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        add_scaled(first, d[0][tile], x[0].sums[tile], sum[i][tile]);
      }
    }
  }

  // All slices of a pass.
  template <int kCount>
  __device__ void add_slices(int& stage, int& round) {
    const int own = t.slice / S::kAlong, begin = along * own;  // columns of a slice
    const bool several = own > kRun * kChunk;
    Run run = run_at(begin);
    for (int k = 0; k < a.K; k += t.slice) {
      barrier_wait(barriers.full + stage, round & 1);
      const char* const from = shared + static_cast<int64>(stage) * t.stage_bytes;
      for (int column = begin; column < begin + own; column += kRun * kChunk) {
        if (k + column >= a.K) break;
        if (several) run = run_at(column);
        add_run<kCount>(from, k + column, run);
      }
      __syncwarp();
      if (lane == 0) barrier_arrive(barriers.empty + stage);
      if (++stage == t.stages) {
        stage = 0;
        ++round;
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
        write_result(a, m, row_of(a, unit + of_block, r), value, up);
      }
    }
  }

  __device__ void run(const SlicedRows& rows) {
    wait_for_kernel_before();
    int stage = 0, round = 0, pass = 0;
    for (int first = 0; first < rows.count; first += rows.each, ++pass) {
      const int units = min(rows.each, rows.count - first);
#pragma unroll
      for (int i = 0; i < S::kUnits; ++i) {
#pragma unroll
        for (int tile = 0; tile < kTiles; ++tile) {
          sum[i][tile][0] = sum[i][tile][1] = sum[i][tile][2] = sum[i][tile][3] = 0;
        }
      }
      barrier_wait(&barriers.table_full, pass & 1);
      const int own = (units + S::kBeside - 1) / S::kBeside;  // of a warp
      if (3 * own <= S::kUnits) {
        add_slices<S::kUnits / 3>(stage, round);
      } else if (!kIsAny<Scale> && 3 * own <= 2 * S::kUnits) {
        add_slices<kIsAny<Scale> ? S::kUnits : 2 * S::kUnits / 3>(stage, round);
      } else {
        add_slices<S::kUnits>(stage, round);
      }
      if (lane == 0) barrier_arrive(&barriers.table_empty);
      write(rows.begin + first, units);
    }
  }
};

template <int kFormat, typename Scale, int kTiles>
__device__ void tensor_rows(const RowProductArgs& a, const TensorRowsArgs& t,
                            const TensorRowsMaps& maps) {
  extern __shared__ uint4 memory[];
  __shared__ Barriers barriers;
  char* const unaligned = reinterpret_cast<char*>(memory);
  char* const shared = unaligned + (-shared_address(unaligned) & 1023);
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < t.stages; ++stage) {
      barrier_init(barriers.full + stage, 2);  // for W and for x
      barrier_init(barriers.empty + stage, kWarps);
    }
    barrier_init(&barriers.table_full, 1);
    barrier_init(&barriers.table_empty, kWarps);
    barriers_made();
  }
  __syncthreads();
  const SlicedRows rows = units_of_block(a, t);
  if (threadIdx.x >= kThreads) {
    leave_registers<40>();
    if (threadIdx.x == kThreads) {
      const Copies<kFormat> copies = {a, t, maps, shared, barriers};
      copy_slices(copies, rows, t.stages, barriers.empty, &barriers.table_empty);
    }
  } else {
    take_registers<232>();
    Products<kFormat, Scale, kTiles>{a, t, shared, barriers}.run(rows);
  }
}

#else

template <int kFormat, typename Scale, int kTiles>
__device__ void tensor_rows(const RowProductArgs&, const TensorRowsArgs&, const TensorRowsMaps&) {}

#endif

}  // namespace

extern "C" {
#define XLSTM_TENSOR_ROWS(kFormat, Scale, name, kTiles)                                         \
  __global__ void __launch_bounds__(kThreads + kCopyThreads, 1) tensor_rows_##name##_##kTiles(  \
      RowProductArgs args, TensorRowsArgs tiles, const __grid_constant__ TensorRowsMaps maps) { \
    tensor_rows<kFormat, Scale, kTiles>(args, tiles, maps);                                     \
  }
#define XLSTM_TENSOR_ROWS_TILES(kFormat, Scale, name) \
  XLSTM_TENSOR_ROWS(kFormat, Scale, name, 1)          \
  XLSTM_TENSOR_ROWS(kFormat, Scale, name, 2)          \
  XLSTM_TENSOR_ROWS(kFormat, Scale, name, 4)          \
  XLSTM_TENSOR_ROWS(kFormat, Scale, name, 8)
#define XLSTM_TENSOR_ROWS_SCALES(kFormat)                \
  XLSTM_TENSOR_ROWS_TILES(kFormat, float, kFormat##_f32) \
  XLSTM_TENSOR_ROWS_TILES(kFormat, bf16, kFormat##_bf16)
XLSTM_TENSOR_ROWS_SCALES(4)
XLSTM_TENSOR_ROWS_SCALES(8)
XLSTM_TENSOR_ROWS_TILES(2, AnyScale, 2_any)
XLSTM_TENSOR_ROWS_TILES(3, AnyScale, 3_any)
XLSTM_TENSOR_ROWS_TILES(5, AnyScale, 5_any)
XLSTM_TENSOR_ROWS_TILES(6, AnyScale, 6_any)
XLSTM_TENSOR_ROWS_TILES(kMxfp4, uint8, mxfp4)
}
