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
#include "xlstm/cuda/kernels/row_result.cuh"
#include "xlstm/cuda/kernels/warpgroup.cuh"
#include "xlstm/cuda/kernels/warpgroup_copies.cuh"

using xlstm::cuda::ColumnOrderArgs;

namespace {

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

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
  __device__ void fill_table(int tile) const {
    const int all_groups = a.K >> t.group_shift, units = (t.groups + 7) / 8;
    const int first = (first_slice_of_block(t) * kSliceColumns) >> t.group_shift;
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

  // Two steps of one tile, when the two before the last are done, whose operand is written over.
  template <int kPair>
  __device__ void add_pair(const Words& words, const Scale& s, const Scale& s8, uint64 x,
                           uint32 (&operand)[2][4], float (&to)[kRows / 2]) {
    wait_for_products<1>();
    unpack<2 * kPair>(words, s, s8, operand[0]);
    unpack<2 * kPair + 1>(words, s, s8, operand[1]);
    let_products_read();
    constexpr int kBytes = kPair / 2 * kRows * 128 + kPair % 2 * 64;
    multiply_add(to, operand[0], further(x, kBytes));
    multiply_add(to, operand[1], further(x, kBytes + 32));
    end_products();
  }

  __device__ void add_slices(int slices, int& stage, int& round) {
    const int row = first_row(), step = next_tile();
    uint32 operand[2][2][4];
    int last = -1;  // the stage of the slice before, until its products are done
    for (int slice = 0; slice < slices; ++slice) {
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
        Scale s(scale_word(column, own)), s8(scale_word(column, own + 8));
        add_pair<0>(words, s, s8, x, operand[0], sum[tile]);
        add_pair<1>(words, s, s8, x, operand[1], sum[tile]);
        if (tile == 0 && last >= 0 && lane == 0) barrier_arrive(barriers.empty + last);
        if constexpr (kBits == 8) {  // a lane's other columns may be of another group
          s = Scale(scale_word(column + 64, own)), s8 = Scale(scale_word(column + 64, own + 8));
        }
        add_pair<2>(words, s, s8, x, operand[0], sum[tile]);
        add_pair<3>(words, s, s8, x, operand[1], sum[tile]);
      }
      last = now;
    }
    wait_for_products<0>();
    if (last >= 0 && lane == 0) barrier_arrive(barriers.empty + last);
  }

  // [kRows, kStride] sums of both warpgroups.
  __device__ float* joined() const {
    return reinterpret_cast<float*>(shared);
  }

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
      write_result(a, m, tile * outputs + of_rows, sum_of(r, m),
                   a.swiglu != 0 ? sum_of(r + outputs, m) : 0.0F);
    }
    if (t.cluster > 1) {  // others read this block's sums
      arrive_at_cluster();
      wait_for_cluster();
    }
  }

  __device__ void run(const SlicedRows& rows) {
    int stage = 0, round = 0;
    for (int first = 0; first < rows.count; first += rows.each) {
      const int tile = rows.begin + first;
      fill_table(tile);
#pragma unroll
      for (int i = 0; i < kTiles; ++i) {
#pragma unroll
        for (int j = 0; j < kRows / 2; ++j) sum[i][j] = 0;
      }
      sync_first<kThreads>();
      if (first == 0) wait_for_kernel_before();
      add_slices(rows.slices, stage, round);
      write(tile, min(rows.each, rows.count - first));
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
  const SlicedRows rows = tiles_of_block(a, t, kTiles);
  if (threadIdx.x >= kThreads) {
    leave_registers<40>();
    if (threadIdx.x == kThreads) {
      const Copies<kBits, kTiles, kRows> copies = {a, t, maps, shared, barriers};
      copy_slices(copies, rows, t.stages, barriers.empty, &barriers.pass_done);
    }
  } else {
    take_registers<232>();
    Products<kBits, kTiles, kRows>{a, t, shared, barriers}.run(rows);
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
