// y = x W^T of 2 to 16 rows of x by tensor cores, all of them bfloat16, for compute capability 9.0
// and newer. W comes through a ring of shared memory that bulk copies fill, beginning before the
// kernel before is done, as in row_stream.cu. x goes through its last stage, when that kernel is
// done, to registers: by loads of each lane's own it came 5 to 17 us after W, since what is left of
// shared memory has room for few lines of them (H200).
//
// A block has neighbouring units of eight rows of W (SwiGLU: four of gate and four of up), a stage
// of the ring one segment of a unit's columns. Each warp has some columns of every segment, and
// sums over warps are joined behind each unit. x is the operand with 16 rows, W the one with 8.
#include "xlstm/cuda/kernels/bulk_copy.cuh"
#include "xlstm/cuda/kernels/multiply.cuh"
#include "xlstm/cuda/kernels/row_result.cuh"

using xlstm::cuda::RowProductArgs;
using xlstm::cuda::StreamArgs;

namespace {

constexpr int kWarps = 8, kThreads = kWarps * kWarp;  // that compute

// With much of x, those that compute need the registers of a whole multiprocessor, of which a group
// of four warps, one of which copies, leaves them its own. With less, one more warp copies, and
// half of the registers are enough: blocks of small kernels before and after lie beside this one's.
template <int kTiles, int kSegments, int kSteps>
struct Threads {
  static constexpr bool kMany = 4 * kTiles * kSegments * kSteps > 64;
  static constexpr int kAll = kThreads + (kMany ? 4 : 1) * kWarp, kBlocks = kMany ? 1 : 2;
};

#if __CUDA_ARCH__ >= 900

constexpr int kUnit = 8;  // rows of W
constexpr int kMostStages = 16;
constexpr int kLaneColumns = 8, kChunk = 4 * kLaneColumns;  // that a warp multiplies together
constexpr int kStep = kWarps * kChunk;                      // columns of all warps' chunks
constexpr int kPadding = 128;  // bytes behind each row of a stage, that all begin at as many

// Read where the text says, not all at once, which would take too many registers.
__device__ uint4 load_shared(const char* at) {
  uint4 x;
  asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
               : "r"(shared_address(at)));
  return x;
}

// What the copying thread and the others agree on.
template <int kSteps>
struct Segments {
  static constexpr int kColumns = kSteps * kStep;
  static constexpr int kRowBytes = 2 * kColumns + kPadding;
};

struct Units {
  int begin, end, width;  // width: rows of W that results have, without up's

  __device__ Units(const RowProductArgs& a) {
    width = a.swiglu != 0 ? a.N / 2 : a.N;
    const int rows = rows_of_result(a);
    const int64 all = (width + rows - 1) / rows;
    begin = static_cast<int>(all * blockIdx.x / gridDim.x);
    end = static_cast<int>(all * (blockIdx.x + 1) / gridDim.x);
  }
  // Of a unit.
  __device__ static int rows_of_result(const RowProductArgs& a) {
    return a.swiglu != 0 ? kUnit / 2 : kUnit;
  }
};

// Stages in their turn: those of W go round the ring, and those of x before them through its last
// stage, one after the other.
struct Ring {
  int stages, before;  // how many of x's
  int stage = 0, round = 0;

  __device__ void next() {
    if (++stage < stages) return;
    stage = 0;
    ++round;
  }
  // How often this stage was filled before.
  __device__ int fillings() const { return round + (stage == stages - 1 ? before : 0); }
};

template <int kTiles, int kSegments, int kSteps>
struct Copies {
  using Segment = Segments<kSteps>;

  const RowProductArgs& a;
  const StreamArgs& s;
  const Units& units;
  char* ring;
  uint64 *full, *empty;

  // Columns of a segment, of `rows` rows from `from` on, to the stage's row `first`.
  __device__ void copy_rows(int stage, int first, const bf16* from, int rows, int segment) const {
    const int column = segment * Segment::kColumns;
    char* const to = ring + static_cast<int64>(stage) * s.stage_bytes + first * Segment::kRowBytes;
    for (int r = 0; r < rows; ++r) {
      bulk_copy(to + r * Segment::kRowBytes, from + static_cast<int64>(r) * a.K + column,
                row_bytes(segment), full + stage);
    }
  }
  __device__ uint32 row_bytes(int segment) const {
    return 2 * min(Segment::kColumns, a.K - segment * Segment::kColumns);
  }

  __device__ void wait_until_empty(int stage, int fillings) const {
    if (fillings == 0) return;
    barrier_wait(empty + stage, (fillings - 1) & 1);
    end_before_copies();
  }

  __device__ void of_unit(int stage, int unit, int segment) const {
    const int each = Units::rows_of_result(a), first = unit * each;
    const int rows = min(each, units.width - first);
    const bf16* const from = static_cast<const bf16*>(a.W) + static_cast<int64>(first) * a.K;
    barrier_expect(full + stage, (a.swiglu != 0 ? 2 : 1) * rows * row_bytes(segment));
    copy_rows(stage, 0, from, rows, segment);
    if (a.swiglu == 0) return;
    copy_rows(stage, each, from + static_cast<int64>(units.width) * a.K, rows, segment);
  }

  __device__ void of_x() const {
    const int stage = s.stages - 1;
    int filled = 0;
    wait_for_kernel_before();
    for (int segment = 0; segment < kSegments; ++segment) {
      for (int tile = 0; tile < kTiles; ++tile, ++filled) {
        const int rows = min(kUnit, a.M - tile * kUnit);
        wait_until_empty(stage, filled);
        barrier_expect(full + stage, rows * row_bytes(segment));
        copy_rows(stage, 0, static_cast<const bf16*>(a.x) + static_cast<int64>(tile) * kUnit * a.K,
                  rows, segment);
      }
    }
  }

  __device__ void run() const {
    Ring at = {s.stages, kTiles * kSegments};
    bool has_x = false;
    for (int unit = units.begin; unit < units.end; ++unit) {
      for (int segment = 0; segment < kSegments; ++segment, at.next()) {
        if (!has_x && at.stage == s.stages - 1) {
          of_x();
          has_x = true;
        }
        wait_until_empty(at.stage, at.fillings());
        of_unit(at.stage, unit, segment);
      }
    }
    if (!has_x) of_x();
  }
};

// Of kTiles times eight rows of x.
template <int kTiles, int kSegments, int kSteps>
struct Products {
  using Segment = Segments<kSteps>;
  static constexpr int kSums = kTiles * 8 * kUnit;  // [rows of x, rows of W]
  static constexpr int kBatch = 4;                  // steps whose weights are read ahead

  const RowProductArgs& a;
  int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  int g = lane / 4;  // the lane's row of W, and of x in each tile
  int first = warp * kChunk + lane % 4 * kLaneColumns;  // its first columns of a step
  // Two operands of 16 rows, the first for columns 0 to 3 of a lane's eight and the second for 4 to
  // 7. With one tile they are the same registers: of the first product the upper eight rows count,
  // of the second the lower ones, and what the others become is left.
  uint32 x[kSegments][kSteps][kTiles][4];

  __device__ bool is_column(int segment, int step) const {
    return segment * Segment::kColumns + step * kStep + first < a.K;
  }

  // This lane's eight columns of a step, of row g of a stage; past the last column zeros, as what
  // lies there may be no number.
  __device__ uint4 read(const char* stage, int segment, int step) const {
    const uint4 eight = load_shared(stage + g * Segment::kRowBytes + 2 * (step * kStep + first));
    return is_column(segment, step) ? eight : make_uint4(0, 0, 0, 0);
  }

  // A tile's rows of x, of which those past the last one are left as they are found: no other row's
  // results depend on them.
  __device__ void take_x(const char* stage, int segment, int tile) {
#pragma unroll
    for (int step = 0; step < kSteps; ++step) {
      const uint4 eight = read(stage, segment, step);
      uint32(&to)[kTiles][4] = x[segment][step];
      if constexpr (kTiles == 1) {
        set_operand(to[0], eight.x, eight.z, eight.y, eight.w);
      } else {
        to[0][tile] = eight.x, to[0][2 + tile] = eight.y;
        to[1][tile] = eight.z, to[1][2 + tile] = eight.w;
      }
    }
  }
  __device__ static void set_operand(uint32 (&to)[4], uint32 x0, uint32 x1, uint32 x2, uint32 x3) {
    to[0] = x0, to[1] = x1, to[2] = x2, to[3] = x3;
  }

  __device__ void read_weights(const char* stage, int segment, int step, uint4 (&w)[kBatch]) const {
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      if (step + i < kSteps) w[i] = read(stage, segment, step + i);
    }
  }

  // d: the two products of this warp's columns. Which columns an operand's places hold is the
  // same in both operands, and otherwise free: a lane's eight lie together.
  __device__ void multiply_segment(int segment, const char* stage, float (&d)[2][4]) const {
    uint4 w[2][kBatch];
    read_weights(stage, segment, 0, w[0]);
#pragma unroll
    for (int batch = 0; batch * kBatch < kSteps; ++batch) {
      if ((batch + 1) * kBatch < kSteps) {
        read_weights(stage, segment, (batch + 1) * kBatch, w[(batch + 1) & 1]);
      }
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const int step = batch * kBatch + i;
        if (step >= kSteps) continue;
        const uint4 weight = w[batch & 1][i];
        const uint32(&first_half)[4] = x[segment][step][0];
        const uint32(&second_half)[4] = x[segment][step][kTiles - 1];
        multiply(d[0], first_half[0], first_half[1], first_half[2], first_half[3], weight.x,
                 weight.y);
        multiply(d[1], second_half[0], second_half[1], second_half[2], second_half[3], weight.z,
                 weight.w);
      }
    }
  }

  // This warp's sums, to [kSums].
  __device__ void write_sums(const float (&d)[2][4], float* sums) const {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const int second = kTiles == 1 ? 2 : 2 * tile;
      *reinterpret_cast<float2*>(sums + (tile * 8 + g) * kUnit + lane % 4 * 2) =
          make_float2(d[0][2 * tile] + d[1][second], d[0][2 * tile + 1] + d[1][second + 1]);
    }
  }

  __device__ static float all_of(const float* sums, int which) {
    float sum = 0;
#pragma unroll
    for (int each = 0; each < kWarps; ++each) sum += sums[each * kSums + which];
    return sum;
  }

  // By one thread for each of the unit's results, `sums` [kWarps, kSums].
  __device__ void write_unit(const Units& units, int unit, const float* sums, int which) const {
    const int each = Units::rows_of_result(a), m = which / kUnit;
    const int n = unit * each + which % kUnit;
    if (which % kUnit >= each || m >= a.M || n >= units.width) return;
    write_result(a, m, n, all_of(sums, which), a.swiglu != 0 ? all_of(sums, which + each) : 0.0F);
  }
};

template <int kTiles, int kSegments, int kSteps>
__device__ void compute_units(const RowProductArgs& a, const StreamArgs& s, const Units& units,
                              const char* ring, uint64* full, uint64* empty) {
  using P = Products<kTiles, kSegments, kSteps>;
  __shared__ float sums[2][kWarps * P::kSums];  // in turns, so that one barrier a unit is enough
  P products{a};
  const auto at = [&](int stage) { return ring + static_cast<int64>(stage) * s.stage_bytes; };
  const auto leave = [&](int stage) {
    __syncwarp();
    if (products.lane == 0) barrier_arrive(empty + stage);
  };
  wait_for_kernel_before();  // before results are written, and what is added to them is read
#pragma unroll
  for (int segment = 0; segment < kSegments; ++segment) {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      barrier_wait(full + s.stages - 1, (segment * kTiles + tile) & 1);
      products.take_x(at(s.stages - 1), segment, tile);
      leave(s.stages - 1);
    }
  }
  Ring turn_of = {s.stages, kTiles * kSegments};
  for (int unit = units.begin; unit < units.end; ++unit) {
    const int turn = (unit - units.begin) & 1;
    float d[2][4] = {};
#pragma unroll
    for (int segment = 0; segment < kSegments; ++segment, turn_of.next()) {
      const int stage = turn_of.stage;
      barrier_wait(full + stage, turn_of.fillings() & 1);
      products.multiply_segment(segment, at(stage), d);
      leave(stage);
    }
    products.write_sums(d, sums[turn] + products.warp * P::kSums);
    sync_first<kThreads>();
    const int which = static_cast<int>(threadIdx.x) - turn * (kThreads / 2);
    if (which >= 0 && which < P::kSums) products.write_unit(units, unit, sums[turn], which);
  }
}

template <int kTiles, int kSegments, int kSteps>
__device__ void dense_rows(const RowProductArgs& a, const StreamArgs& s) {
  extern __shared__ uint4 shared[];
  __shared__ uint64 full[kMostStages], empty[kMostStages];
  char* const ring = reinterpret_cast<char*>(shared);
  make_ring_barriers(full, empty, s.stages, kWarps);
  const Units units(a);
  constexpr bool kMany = Threads<kTiles, kSegments, kSteps>::kMany;
  if (threadIdx.x >= kThreads) {
    if constexpr (kMany) leave_registers<24>();
    if (threadIdx.x == kThreads) {
      Copies<kTiles, kSegments, kSteps>{a, s, units, ring, full, empty}.run();
    }
  } else {
    if constexpr (kMany) take_registers<240>();
    compute_units<kTiles, kSegments, kSteps>(a, s, units, ring, full, empty);
  }
}

#else

template <int kTiles, int kSegments, int kSteps>
__device__ void dense_rows(const RowProductArgs&, const StreamArgs&) {}

#endif

}  // namespace

// Rows of x, in tiles of eight; segments of a row of W, and steps of 256 columns of each.
extern "C" {
#define XLSTM_DENSE_ROWS(kTiles, kSegments, kSteps)                                          \
  __global__ void __launch_bounds__(Threads<kTiles, kSegments, kSteps>::kAll,                \
                                    Threads<kTiles, kSegments, kSteps>::kBlocks)             \
      dense_rows_##kTiles##_##kSegments##_##kSteps(RowProductArgs args, StreamArgs stream) { \
    dense_rows<kTiles, kSegments, kSteps>(args, stream);                                     \
  }
XLSTM_DENSE_ROWS(1, 1, 4)
XLSTM_DENSE_ROWS(1, 1, 8)
XLSTM_DENSE_ROWS(1, 1, 16)
XLSTM_DENSE_ROWS(1, 2, 11)
XLSTM_DENSE_ROWS(1, 2, 16)
XLSTM_DENSE_ROWS(1, 3, 15)
XLSTM_DENSE_ROWS(2, 1, 4)
XLSTM_DENSE_ROWS(2, 1, 8)
XLSTM_DENSE_ROWS(2, 1, 16)
XLSTM_DENSE_ROWS(2, 2, 11)
}
