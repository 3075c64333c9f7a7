// y = x W^T of up to 64 rows of x by products of warpgroups, W quantised to 4 or 8 bits with scales
// in bfloat16, x and y bfloat16. For compute capability 9.0 alone.
//
// A block has up to four tiles of 64 rows of W (SwiGLU: 32 of gate and 32 of up) and goes along K
// by slices, which come with x's through a ring of shared memory, those of W before the kernel
// before is done. W is the operand in registers, in which each lane unpacks it: q scale + bias,
// rounded to bfloat16 as dequantised weights are. x is the one in shared memory, its columns in an
// order that makes unpacking short (column_order.cuh). Two warpgroups take slices in turns; the
// blocks of a cluster have the same tiles and a part of K each; sums are joined in one order at the
// end.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/cluster.cuh"
#include "xlstm/cuda/kernels/column_order.cuh"
#include "xlstm/cuda/kernels/warpgroup.cuh"

using xlstm::cuda::ColumnOrderArgs;
using xlstm::cuda::RowProductArgs;
using xlstm::cuda::WarpgroupRowsArgs;
using xlstm::cuda::WarpgroupRowsMaps;

namespace {

constexpr int kGroups = 2, kGroupThreads = 128;  // warpgroups that compute
constexpr int kThreads = kGroups * kGroupThreads;
constexpr int kCopyThreads = 128;  // one of them copies; so many share registers
constexpr int kTileRows = 64, kMostStages = 16;
constexpr int kPiece = 64;  // bytes of a row of W that lie together in shared memory

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

struct Barriers {
  uint64 full[kMostStages], empty[kMostStages], pass_done;
};

// The tiles of this block's cluster, taken in passes of at most `each`, and the slices of this
// block.
struct Part {
  int begin, tiles, each, first_slice, slices;

  __device__ Part(const RowProductArgs& a, const WarpgroupRowsArgs& t, int each_) : each(each_) {
    const int64 all = a.N / kTileRows;
    const int cluster = blockIdx.x / t.cluster, clusters = gridDim.x / t.cluster;
    begin = static_cast<int>(all * cluster / clusters);
    tiles = static_cast<int>(all * (cluster + 1) / clusters) - begin;
    const int all_slices = (a.K + kSliceColumns - 1) / kSliceColumns;
    first_slice = rank_in_cluster() * t.slices;
    slices = max(0, min(t.slices, all_slices - first_slice));
  }
};

// The row of W that row r of kTiles tiles in shared memory is: SwiGLU has all tiles' gates first.
template <int kTiles>
__device__ int row_of(const RowProductArgs& a, int tile, int r) {
  constexpr int kHalf = kTiles * kTileRows / 2;
  if (a.swiglu == 0) return tile * kTileRows + r;
  return tile * (kTileRows / 2) + (r < kHalf ? r : a.N / 2 + r - kHalf);
}

template <int kBits, int kTiles, int kRows>
struct Copies {
  static constexpr int kPieces = kBits * kSliceColumns / 8 / kPiece;
  static constexpr int kPieceBytes = kTiles * kTileRows * kPiece;

  const RowProductArgs& a;
  const WarpgroupRowsArgs& t;
  const WarpgroupRowsMaps& maps;
  char* shared;
  Barriers& barriers;

  __device__ void of_weights(int stage, int tile, int slice) const {
    char* const to = shared + stage * t.stage_bytes;
    uint64* const barrier = barriers.full + stage;
    barrier_expect(barrier, kPieces * kPieceBytes);
#pragma unroll
    for (int i = 0; i < kPieces; ++i) {
      const int byte = slice * (kPieces * kPiece) + i * kPiece;
      char* const piece = to + i * kPieceBytes;
      if (a.swiglu != 0) {
        tensor_copy(piece, maps.W, byte, tile * (kTileRows / 2), barrier);
        tensor_copy(piece + kPieceBytes / 2, maps.W, byte, a.N / 2 + tile * (kTileRows / 2),
                    barrier);
      } else {
        tensor_copy(piece, maps.W, byte, tile * kTileRows, barrier);
      }
    }
  }

  __device__ void of_x(int stage, int slice) const {
    uint64* const barrier = barriers.full + stage;
    barrier_expect(barrier, kSliceColumns * kRows * 2);
    tensor_copy(shared + stage * t.stage_bytes + kPieces * kPieceBytes, maps.x, 0, 0, 2 * slice,
                barrier);
  }

  __device__ void run(const Part& part) const {
    int stage = 0, round = 0, waiting = 0, pass = 0;
    bool may_read_x = false;
    const auto catch_up = [&] {  // x of the stages that have their weights
      wait_for_kernel_before();
      may_read_x = true;
      for (int n = 0; n < waiting; ++n) of_x(n, part.first_slice + n);
    };
    for (int first = 0; first < part.tiles; first += part.each, ++pass) {
      if (pass > 0) {  // the ring is where sums were joined
        if (!may_read_x) catch_up();
        barrier_wait(&barriers.pass_done, (pass - 1) & 1);
      }
      for (int slice = 0; slice < part.slices; ++slice) {
        if (round > 0) {
          if (!may_read_x) catch_up();
          barrier_wait(barriers.empty + stage, (round - 1) & 1);
        }
        of_weights(stage, part.begin + first, part.first_slice + slice);
        if (may_read_x) {
          of_x(stage, part.first_slice + slice);
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

__device__ inline uint32 subtracted(uint32 a, uint32 b) {
  uint32 y;
  asm("sub.rn.bf16x2 %0, %1, %2;" : "=r"(y) : "r"(a), "r"(b));
  return y;
}
__device__ inline uint32 multiplied_added(uint32 a, uint32 b, uint32 c) {
  uint32 y;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(y) : "r"(a), "r"(b), "r"(c));
  return y;
}

template <int kBits, int kTiles, int kRows>
struct Products {
  using C = Copies<kBits, kTiles, kRows>;
  static constexpr int kAll = kTiles * kTileRows;  // rows of a stage
  static constexpr int kTableRows = kAll + 8;  // of the table, so that lanes use different banks
  static constexpr int kStride = kAll + 4;     // of joined sums, so that lanes use different banks

  const RowProductArgs& a;
  const WarpgroupRowsArgs& t;
  char* shared;
  Barriers& barriers;
  int lane = threadIdx.x % kWarp, g = lane / 4, q = lane % 4;
  int group = threadIdx.x / kGroupThreads, warp = threadIdx.x / kWarp % 4;
  float sum[kTiles][kRows / 2];

  // Row g of this warp's 16 rows of the first tile, and how far it is to the next tile's.
  __device__ int first_row() const {
    if (a.swiglu == 0) return 16 * warp + g;
    return (warp < 2 ? 0 : kAll / 2) + 16 * (warp % 2) + g;
  }
  __device__ int next_tile() const { return a.swiglu == 0 ? kTileRows : kTileRows / 2; }

  // [groups, kTableRows] scales with their biases, of the columns of this block.
  __device__ uint32* table() const { return reinterpret_cast<uint32*>(shared + t.table_at); }

  // A thread has eight groups of a row at a time: a read takes long, and so there are many at once.
  __device__ void fill_table(const Part& part, int tile) const {
    const int all_groups = a.K >> t.group_shift, units = (t.groups + 7) / 8;
    const int first = (part.first_slice * kSliceColumns) >> t.group_shift;
    const auto* const scales = static_cast<const uint16*>(t.scales);
    const auto* const biases = static_cast<const uint16*>(t.biases);
#pragma unroll 2
    for (int at = threadIdx.x; at < kAll * units; at += kThreads) {
      const int r = at / units, begin = at % units * 8;
      const int n = min(row_of<kTiles>(a, tile, r), a.N - 1);
      const int64 from = static_cast<int64>(n) * all_groups + first + begin;
      uint32* const to = table() + begin * kTableRows + r;
      if (t.wide_groups != 0) {
        if (first + begin >= all_groups) continue;
        const uint4 s = *reinterpret_cast<const uint4*>(scales + from);
        const uint4 b = *reinterpret_cast<const uint4*>(biases + from);
        const uint32 ss[4] = {s.x, s.y, s.z, s.w}, bb[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          to[2 * i * kTableRows] = low_halves(ss[i], bb[i]);
          to[(2 * i + 1) * kTableRows] = high_halves(ss[i], bb[i]);
        }
      } else {
        // The last slice may have columns past K, with x of zeros.
        const int count = min(t.groups - begin, 8), there = min(all_groups - first - begin, count);
        uint32 both[8];
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          both[i] = i < there ? scales[from + i] | static_cast<uint32>(biases[from + i]) << 16 : 0U;
        }
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          if (i < count) to[i * kTableRows] = both[i];
        }
      }
    }
  }

  // A group's scale and bias, twice each.
  struct Scale {
    uint32 scale, bias;
    __device__ Scale(uint32 both)
        : scale(__byte_perm(both, 0, 0x1010)), bias(__byte_perm(both, 0, 0x3232)) {}
    // 128 + q of two numbers -> weights.
    __device__ uint32 of(uint32 numbers) const {
      return multiplied_added(subtracted(numbers, 0x43004300U), scale, bias);
    }
    // 128 + the upper half of q, and 128 + the lower: 8 bits
    __device__ uint32 of(uint32 upper, uint32 lower) const {
      const uint32 whole = multiplied_added(subtracted(upper, 0x43004300U), 0x41804180U,
                                            subtracted(lower, 0x43004300U));
      return multiplied_added(whole, scale, bias);
    }
  };

  // A lane's 32 columns of rows g and g + 8.
  struct Words {
    uint32 w[8], w8[8];  // 4 bits: the first four
  };

  __device__ static void read(const char* at, uint32* to) {
    const uint4 x = *reinterpret_cast<const uint4*>(at);
    to[0] = x.x, to[1] = x.y, to[2] = x.z, to[3] = x.w;
  }
  __device__ Words words_of(const char* stage, int row) const {
    Words words;
    const char* const at = stage + row * kPiece + q * 16;
#pragma unroll
    for (int piece = 0; piece < C::kPieces; ++piece) {
      read(at + piece * C::kPieceBytes, words.w + 4 * piece);
      read(at + piece * C::kPieceBytes + 8 * kPiece, words.w8 + 4 * piece);
    }
    return words;
  }

  // The operand of step kStep.
  template <int kStep>
  __device__ static void unpack(const Words& words, const Scale& s, const Scale& s8,
                                uint32 (&to)[4]) {
    if constexpr (kBits == 4) {
      constexpr int kWord = kStep / 2, kShift = kStep % 2 * 8;
      to[0] = s.of(pair_at<4>(words.w[kWord], kShift));
      to[1] = s8.of(pair_at<4>(words.w8[kWord], kShift));
      to[2] = s.of(pair_at<4>(words.w[kWord], kShift + 4));
      to[3] = s8.of(pair_at<4>(words.w8[kWord], kShift + 4));
    } else {
      const uint32 w = words.w[kStep], w8 = words.w8[kStep];
      to[0] = s.of(pair_at<4>(w, 4), pair_at<4>(w, 0));
      to[1] = s8.of(pair_at<4>(w8, 4), pair_at<4>(w8, 0));
      to[2] = s.of(pair_at<4>(w, 12), pair_at<4>(w, 8));
      to[3] = s8.of(pair_at<4>(w8, 12), pair_at<4>(w8, 8));
    }
  }

  __device__ uint32 scale_word(int slice_column, int row) const {
    return table()[(slice_column >> t.group_shift) * kTableRows + row];
  }

  // Two steps of one tile; before them, until those two products before are done whose operands are
  // written over.
  template <int kPair>
  __device__ void add_pair(const Words& words, const Scale& s, const Scale& s8, uint64 x,
                           uint32 (&operand)[2][4], float (&to)[kRows / 2]) {
    unpack<2 * kPair>(words, s, s8, operand[0]);
    unpack<2 * kPair + 1>(words, s, s8, operand[1]);
    let_products_read();
    constexpr int kBytes = kPair / 2 * kRows * 128 + kPair % 2 * 64;
    multiply_add(to, operand[0], further(x, kBytes));
    multiply_add(to, operand[1], further(x, kBytes + 32));
    end_products();
  }

  __device__ void add_slices(const Part& part, int& stage, int& round) {
    const int row = first_row(), step = next_tile();
    uint32 operand[2][2][4];
    int last = -1;  // the stage of the slice before, until its products are done
    for (int slice = 0; slice < part.slices; ++slice) {
      const int now = stage, parity = round & 1;
      if (++stage == t.stages) {
        stage = 0;
        ++round;
      }
      if (slice % kGroups != group) continue;
      barrier_wait(barriers.full + now, parity);
      const char* const from = shared + now * t.stage_bytes;
      const uint64 x = operand_at(from + C::kPieces * C::kPieceBytes);
      const int column = slice * kSliceColumns + (kBits == 4 ? 32 : 16) * q;
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile) {
        const int own = row + tile * step;
        const Words words = words_of(from, own);
        const Scale s(scale_word(column, own)), s8(scale_word(column, own + 8));
        wait_for_products<1>();
        add_pair<0>(words, s, s8, x, operand[0], sum[tile]);
        wait_for_products<1>();
        add_pair<1>(words, s, s8, x, operand[1], sum[tile]);
        if (tile == 0 && last >= 0 && lane == 0) barrier_arrive(barriers.empty + last);
        const int half = kBits == 4 ? column : column + 64;
        const Scale t2(scale_word(half, own)), t8(scale_word(half, own + 8));
        wait_for_products<1>();
        add_pair<2>(words, kBits == 4 ? s : t2, kBits == 4 ? s8 : t8, x, operand[0], sum[tile]);
        wait_for_products<1>();
        add_pair<3>(words, kBits == 4 ? s : t2, kBits == 4 ? s8 : t8, x, operand[1], sum[tile]);
      }
      last = now;
    }
    wait_for_products<0>();
    if (last >= 0 && lane == 0) barrier_arrive(barriers.empty + last);
  }

  __device__ float* joined() const {
    return reinterpret_cast<float*>(shared);
  }  // [kRows, kStride]

  template <typename Use>
  __device__ void for_each_sum(const Use& use) {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
      for (int i = 0; i < kRows / 2; ++i) {
        const int r = tile * kTileRows + 16 * warp + g + i % 4 / 2 * 8;
        use(joined()[(i / 4 * 8 + 2 * q + i % 2) * kStride + r], sum[tile][i]);
      }
    }
  }

  // The sum of row r and column m over the blocks of the cluster.
  __device__ float sum_of(int r, int m) const {
    const float* const at = joined() + m * kStride + r;
    if (t.cluster == 1) return *at;
    float value = 0;
    for (int rank = 0; rank < t.cluster; ++rank) value += load_in_cluster(at, rank);
    return value;
  }

  __device__ void write(int tile, int tiles) {
    sync_first<kThreads>();  // nobody reads the ring any more
    if (group == 1) for_each_sum([](float& at, float own) { at = own; });
    sync_first<kThreads>();
    if (group == 0) for_each_sum([](float& at, float own) { at += own; });
    sync_first<kThreads>();
    if (t.cluster > 1) {
      arrive_at_cluster();
      wait_for_cluster();
    }
    const int outputs = a.swiglu != 0 ? kTileRows / 2 : kTileRows;
    const int rank = rank_in_cluster(), rows = tiles * outputs;
    const int own = (a.M - rank + t.cluster - 1) / t.cluster;  // rows of x whose results it writes
    for (int at = threadIdx.x; at < own * rows; at += kThreads) {
      const int of_rows = at % rows, m = rank + at / rows * t.cluster;
      const int r = of_rows / outputs * kTileRows + of_rows % outputs;
      float value = sum_of(r, m);
      const int n = tile * outputs + of_rows, width = a.swiglu != 0 ? a.N / 2 : a.N;
      if (a.bias != nullptr) value += a.bias[n];
      if (a.swiglu != 0) {
        float up = sum_of(r + outputs, m);
        if (a.bias != nullptr) up += a.bias[a.N / 2 + n];
        value = value * sigmoid_of(value) * up;
      }
      const int64 to = static_cast<int64>(m) * width + n;
      if (a.residual != nullptr) value += to_float(static_cast<const bf16*>(a.residual)[to]);
      static_cast<bf16*>(a.y)[to] = from_float<bf16>(value);
    }
    if (t.cluster > 1) {  // others read this block's sums
      arrive_at_cluster();
      wait_for_cluster();
    }
  }

  __device__ void run(const Part& part) {
    int stage = 0, round = 0;
    for (int first = 0; first < part.tiles; first += part.each) {
      const int tile = part.begin + first;
      fill_table(part, tile);
#pragma unroll
      for (int i = 0; i < kTiles; ++i) {
#pragma unroll
        for (int j = 0; j < kRows / 2; ++j) sum[i][j] = 0;
      }
      sync_first<kThreads>();
      if (first == 0) wait_for_kernel_before();
      add_slices(part, stage, round);
      write(tile, min(part.each, part.tiles - first));
      end_before_copies();  // the next pass's, to where sums were
      sync_first<kThreads>();
      if (threadIdx.x == 0) barrier_arrive(&barriers.pass_done);
    }
  }
};

template <int kBits, int kTiles, int kRows>
__device__ void warpgroup_rows(const RowProductArgs& a, const WarpgroupRowsArgs& t,
                               const WarpgroupRowsMaps& maps) {
  extern __shared__ uint4 memory[];
  __shared__ Barriers barriers;
  char* const unaligned = reinterpret_cast<char*>(memory);
  char* const shared = unaligned + (-shared_address(unaligned) & 1023);
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < t.stages; ++stage) {
      barrier_init(barriers.full + stage, 2);  // for W and for x
      barrier_init(barriers.empty + stage, kGroupThreads / kWarp);
    }
    barrier_init(&barriers.pass_done, 1);
    barriers_made();
  }
  __syncthreads();
  const Part part(a, t, kTiles);
  if (threadIdx.x >= kThreads) {
    leave_registers<40>();
    if (threadIdx.x == kThreads) {
      Copies<kBits, kTiles, kRows>{a, t, maps, shared, barriers}.run(part);
    }
  } else {
    take_registers<232>();
    Products<kBits, kTiles, kRows>{a, t, shared, barriers}.run(part);
  }
}

#else

template <int kBits, int kTiles, int kRows>
__device__ void warpgroup_rows(const RowProductArgs&, const WarpgroupRowsArgs&,
                               const WarpgroupRowsMaps&) {}

#endif

// A thread has eight columns of a row.
template <int kBits>
__device__ void order_columns(const ColumnOrderArgs& a) {
  wait_for_kernel_before();
  const int at = blockIdx.x * blockDim.x + threadIdx.x, units = a.padded / 8;
  if (at >= a.M * units) return;
  const int row = at / units, unit = at % units;
  uint4 x = make_uint4(0, 0, 0, 0);
  if (unit * 8 < a.K) {
    x = *reinterpret_cast<const uint4*>(static_cast<const bf16*>(a.x) +
                                        static_cast<int64>(row) * a.K + unit * 8);
  }
  write_ordered<kBits>(
      x, unit,
      reinterpret_cast<uint32*>(static_cast<bf16*>(a.y) + static_cast<int64>(row) * a.padded));
}

}  // namespace

extern "C" {
__global__ void __launch_bounds__(256) order_columns_4(ColumnOrderArgs args) {
  order_columns<4>(args);
}
__global__ void __launch_bounds__(256) order_columns_8(ColumnOrderArgs args) {
  order_columns<8>(args);
}
#define XLSTM_WARPGROUP_ROWS(kBits, kTiles, kRows)              \
  __global__ void __launch_bounds__(kThreads + kCopyThreads, 1) \
      warpgroup_rows_##kBits##_##kTiles##_##kRows(              \
          RowProductArgs args, WarpgroupRowsArgs tiles,         \
          const __grid_constant__ WarpgroupRowsMaps maps) {     \
    warpgroup_rows<kBits, kTiles, kRows>(args, tiles, maps);    \
  }
#define XLSTM_WARPGROUP_TILES(kBits, kRows) \
  XLSTM_WARPGROUP_ROWS(kBits, 1, kRows)     \
  XLSTM_WARPGROUP_ROWS(kBits, 2, kRows)     \
  XLSTM_WARPGROUP_ROWS(kBits, 3, kRows)     \
  XLSTM_WARPGROUP_ROWS(kBits, 4, kRows)
#define XLSTM_WARPGROUP_BITS(kBits) \
  XLSTM_WARPGROUP_TILES(kBits, 32)  \
  XLSTM_WARPGROUP_TILES(kBits, 64)
XLSTM_WARPGROUP_BITS(4)
XLSTM_WARPGROUP_BITS(8)
}
