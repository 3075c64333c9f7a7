// The first two of the kernels of mlstm_chunk.cuh: gates, and states before every chunk.
#include "xlstm/cuda/kernels/mlstm_chunk.cuh"

namespace {

// --- gates -----------------------------------------------------------------------------------
// A thread has a token, a block a chunk. Grid: (chunks, NH, B).
constexpr int kMostChunk = 256, kMostWarps = kMostChunk / kWarp;

// Sums of x over the block's threads up to each, and the other way, without x itself.
__device__ float2 sums_around(float x, float* totals) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, warps = blockDim.x / kWarp;
  float before = x, after = x;
#pragma unroll
  for (int lanes = 1; lanes < kWarp; lanes *= 2) {
    const float low = __shfl_up_sync(~0U, before, lanes);
    const float high = __shfl_down_sync(~0U, after, lanes);
    if (lane >= lanes) before += low;
    if (lane + lanes < kWarp) after += high;
  }
  if (lane == kWarp - 1) totals[warp] = before;
  after = __shfl_down_sync(~0U, after, 1);
  if (lane == kWarp - 1) after = 0;
  __syncthreads();
  for (int each = 0; each < warp; ++each) before += totals[each];
  for (int each = warps - 1; each > warp; --each) after += totals[each];
  return make_float2(before, after);
}

__device__ float largest_so_far(float x, float* largest) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
#pragma unroll
  for (int lanes = 1; lanes < kWarp; lanes *= 2) x = fmaxf(x, __shfl_up_sync(~0U, x, lanes));
  if (lane == kWarp - 1) largest[warp] = x;
  __syncthreads();
  for (int each = 0; each < warp; ++each) x = fmaxf(x, largest[each]);
  return x;
}

__device__ void chunk_gates(const MlstmChunkArgs& c) {
  __shared__ float totals[kMostWarps], largest[kMostWarps];
  const int chunk = blockIdx.x, head = blockIdx.y, b = blockIdx.z;
  const int s = chunk * c.chunk + threadIdx.x;
  const bool there = s < c.count;
  const int64 token = static_cast<int64>(b) * c.cell.S + c.first + (there ? s : 0);
  const int64 gate = token * c.cell.gate_stride + head;
  const float input = capped(c.cell.i[gate], c.cell.gate_cap);
  const float decay = there ? log_sigmoid(capped(c.cell.f[gate], c.cell.gate_cap)) : 0.0F;
  const float2 around = sums_around(decay, totals);
  const float column = there ? input - around.x : kLowest;
  const float most = largest_so_far(column, largest);
  const int64 at = first_of_head(c, b, head) + s;
  if (there) {
    c.decay[at] = around.x;
    c.column[at] = column;
    c.largest[at] = most;
    c.later[at] = around.y + input;
  }
  const int64 place = (static_cast<int64>(b) * c.cell.NH + head) * c.chunks;
  if (threadIdx.x == blockDim.x - 1) c.sums[place + chunk] = {around.x, most};
  if (chunk == 0 && threadIdx.x == 0) c.m[place] = c.cell.m[b][head];
}

__device__ uint32 scaled(uint32 pair, float factor) {
  return pack_bf16(factor * bf16_low(pair), factor * bf16_high(pair));
}

// --- states ----------------------------------------------------------------------------------
// A block has kRows x 64 of a head's C in registers, a warp 32 rows of it. Grid: (DHQK / kRows *
// DHV / 64, NH, B). Warps of the first columns have n, too: v with three more columns, the weight
// of each token in three parts of eight bits, which is all of it.
template <int kRows>
struct StateTile {
  static constexpr int kColumns = 64, kAcross = kWarps / (kRows / 32);  // warps beside each other
  static constexpr int kTiles = kColumns / kAcross / 8;  // of eight columns, of a warp
  static constexpr int kUnitsK = kRows / 8, kUnitsV = kColumns / 8;
  static constexpr uint32 kBytesK = kTokens * kRows * 2, kBytesV = kTokens * kColumns * 2;
  static constexpr uint32 kStage = kBytesK + kBytesV;
  static constexpr int kScaled = kTokens * kUnitsV / kThreads;  // units of v that a thread scales

  // Of a stage: parts of the weights.
  struct Weights {
    bf16 part[3][kTokens];
  };

  const MlstmChunkArgs& c;
  int head, b, row0, column0;
  int64 place;              // of the head's chunks
  float sum[2][kTiles][4];  // of rows 16 i + .. of the warp
  float n[2][4];            // of the same rows, the sum of the columns of four lanes
  float m, m_ahead;         // after the last chunk begun, and after that whose v was scaled last
  uint4 units[kScaled];

  __device__ explicit StateTile(const MlstmChunkArgs& args)
      : c(args), head(blockIdx.y), b(blockIdx.z) {
    const int across = c.cell.DHV / kColumns;
    row0 = static_cast<int>(blockIdx.x) / across * kRows;
    column0 = static_cast<int>(blockIdx.x) % across * kColumns;
    place = (static_cast<int64>(b) * c.cell.NH + head) * c.chunks;
    m = m_ahead = c.m[place];
  }

  __device__ bool has_n() const { return column0 == 0 && threadIdx.x / kWarp % kAcross == 0; }
  __device__ bool has_m() const { return column0 == 0 && row0 == 0 && threadIdx.x == 0; }
  __device__ int first_row() const { return row0 + threadIdx.x / kWarp / kAcross * 32; }
  __device__ int first_column() const {
    return column0 + threadIdx.x / kWarp % kAcross * (kTiles * 8);
  }

  // Shared memory: the ring, and exponents of the whole part, which would come late behind k and v.
  __device__ static char* stage(int step) { return block_memory() + step % kStateStages * kStage; }
  __device__ static float* later() {
    return reinterpret_cast<float*>(block_memory() + kStateStages * kStage);
  }
  __device__ MlstmChunkSums* sums() const {
    return reinterpret_cast<MlstmChunkSums*>(later() + c.chunks * c.chunk);
  }
  __device__ void read_exponents() const {
    const float* const from = c.later + first_of_head(c, b, head);
    for (int s = threadIdx.x; s < c.chunks * c.chunk; s += kThreads) {
      later()[s] = s < c.count ? from[s] : kLowest;
    }
    for (int i = threadIdx.x; i < c.chunks; i += kThreads) sums()[i] = c.sums[place + i];
  }

  // Of each pair of numbers that this lane has: at(row, column, the pair).
  template <typename At>
  __device__ void each_pair(const At& at) {
    const int lane = threadIdx.x % kWarp;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int j = 0; j < kTiles; ++j) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          at(first_row() + i * 16 + half * 8 + lane / 4, first_column() + j * 8 + lane % 4 * 2,
             sum[i][j][2 * half], sum[i][j][2 * half + 1]);
        }
      }
    }
  }

  __device__ void read() {
    const float* const C = c.cell.C[b] + static_cast<int64>(head) * c.cell.DHQK * c.cell.DHV;
    each_pair([&](int row, int column, float& x, float& y) {
      const float2 pair = __ldcg(
          reinterpret_cast<const float2*>(C + static_cast<int64>(row) * c.cell.DHV + column));
      x = pair.x, y = pair.y;
    });
    const int lane = threadIdx.x % kWarp;
    const float* const from = c.cell.n[b] + head * c.cell.DHQK + first_row() + lane / 4;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        n[i][2 * half] = has_n() && lane % 4 == 0 ? __ldcg(from + i * 16 + half * 8) : 0.0F;
        n[i][2 * half + 1] = 0;
      }
    }
  }

  __device__ void write_n(float* to) const {
    const int lane = threadIdx.x % kWarp;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const float all = sum_of_row(n[i][2 * half] + n[i][2 * half + 1]);
        if (lane % 4 == 0) to[first_row() + i * 16 + half * 8 + lane / 4] = all;
      }
    }
  }

  __device__ void write() {
    float* const C = c.cell.C[b] + static_cast<int64>(head) * c.cell.DHQK * c.cell.DHV;
    each_pair([&](int row, int column, float x, float y) {
      *reinterpret_cast<float2*>(C + static_cast<int64>(row) * c.cell.DHV + column) =
          make_float2(x, y);
    });
    if (has_n()) write_n(c.cell.n[b] + head * c.cell.DHQK);
    if (has_m()) c.cell.m[b][head] = m;
  }

  // Leaves the state as it is before `chunk` to the outputs, C as bfloat16, and begins the chunk.
  __device__ void begin(int chunk) {
    bf16* const C = static_cast<bf16*>(c.C) + (place + chunk) * c.cell.DHQK * c.cell.DHV;
    const MlstmChunkSums own = sums()[chunk];
    const float largest = fmaxf(m, own.largest), keep = expf(m - largest);
    each_pair([&](int row, int column, float& x, float& y) {
      *reinterpret_cast<uint32*>(C + row * c.cell.DHV + column) = pack_bf16(x, y);
      x *= keep, y *= keep;
    });
    if (has_m() && chunk > 0) c.m[place + chunk] = m;
    m = own.decay + largest;
    if (!has_n()) return;
    write_n(c.n + (place + chunk) * c.cell.DHQK);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int x = 0; x < 4; ++x) n[i][x] *= keep;
    }
  }

  // Tokens [64 step, 64 (step + 1)) of k and v on their way to a stage.
  __device__ void fetch(int step) const {
    const uint32 to = shared_address(stage(step));
    fetch_units<kUnitsK>(step, to, c.cell.k, head * c.cell.DHQK + row0);
    fetch_units<kUnitsV>(step, to + kBytesK, c.cell.v, head * c.cell.DHV + column0);
  }
  template <int kUnits>
  __device__ void fetch_units(int step, uint32 to, const void* rows, int column) const {
    constexpr int kEach = kThreads / kUnits;  // tokens at a time
    const int unit = threadIdx.x % kUnits, first = threadIdx.x / kUnits;
    const bf16* const from = row_of(c, rows, b, 0, column + unit * 8);
#pragma unroll
    for (int i = 0; i < kTokens / kEach; ++i) {
      const int token = first + i * kEach, s = step * kTokens + token;
      const bool there = s < c.count;
      copy_unit(to + unit_offset(token, unit, kUnits),
                from + static_cast<int64>(there ? s : 0) * c.cell.qkv_stride, there);
    }
  }

  // The units of v that this thread has fetched itself are scaled by it, in place, by the weight of
  // their token in the state after the chunk: first they are read, so that products go on
  // meanwhile.
  __device__ static int token_of(int i) {
    return threadIdx.x / kUnitsV + i * (kThreads / kUnitsV);
  }
  __device__ static uint4& unit_of(int step, int i) {
    return *reinterpret_cast<uint4*>(stage(step) + kBytesK +
                                     unit_offset(token_of(i), threadIdx.x % kUnitsV, kUnitsV));
  }
  __device__ void read_units(int step) {
#pragma unroll
    for (int i = 0; i < kScaled; ++i) units[i] = unit_of(step, i);
  }
  __device__ void scale_units(int step, Weights& weights) {
#pragma unroll
    for (int i = 0; i < kScaled; ++i) {
      float weight = expf(later()[step * kTokens + token_of(i)] - m_ahead);
      const uint4& v = units[i];
      unit_of(step, i) = make_uint4(scaled(v.x, weight), scaled(v.y, weight), scaled(v.z, weight),
                                    scaled(v.w, weight));
      if (threadIdx.x % kUnitsV != 0) continue;
#pragma unroll
      for (int part = 0; part < 3; ++part) {
        weights.part[part][token_of(i)] = from_float<bf16>(weight);
        weight -= to_float(from_float<bf16>(weight));
      }
    }
  }

  // C += k^T v, n += k^T w of a stage.
  __device__ void multiply(int step, const Weights& weights) {
    const int lane = threadIdx.x % kWarp;
    const uint32 from = shared_address(stage(step));
    const int unit_k = (first_row() - row0) / 8, unit_v = (first_column() - column0) / 8;
#pragma unroll
    for (int k = 0; k < kTokens; k += 16) {
      uint32 left[2][4], right[4];
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        load_transposed(left[i], from + unit_offset(k + lane % 8 + lane / 16 * 8,
                                                    unit_k + 2 * i + lane / 8 % 2, kUnitsK));
      }
#pragma unroll
      for (int j = 0; j < kTiles; j += 2) {
        load_transposed(
            right, from + kBytesK + unit_offset(k + lane % 16, unit_v + j + lane / 16, kUnitsV));
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          multiply_add(sum[i][j], left[i], right[0], right[1]);
          multiply_add(sum[i][j + 1], left[i], right[2], right[3]);
        }
      }
      if (!has_n()) continue;
      const int column = lane / 4;
      const bf16* const parts = weights.part[column < 3 ? column : 0] + k + lane % 4 * 2;
      const uint32 low = *reinterpret_cast<const uint32*>(parts);
      const uint32 high = *reinterpret_cast<const uint32*>(parts + 8);
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        multiply_add(n[i], left[i], column < 3 ? low : 0, column < 3 ? high : 0);
      }
    }
  }
};

template <int kRows>
__device__ void chunk_states(const MlstmChunkArgs& c) {
  using Tile = StateTile<kRows>;
  __shared__ typename Tile::Weights weights[2];
  Tile tile(c);
  const int steps = (c.count + kTokens - 1) / kTokens, per_chunk = c.chunk / kTokens;
  const auto fetch = [&](int step) {
    if (step < steps) tile.fetch(step);
    end_group();
  };
  int scaled_chunk = 0, scaled_step = 0;  // of the step whose v is scaled next
  const auto scale = [&](int step) {
    if (scaled_step == 0) {
      const MlstmChunkSums own = tile.sums()[scaled_chunk++];
      tile.m_ahead = own.decay + fmaxf(tile.m_ahead, own.largest);
    }
    scaled_step = scaled_step + 1 == per_chunk ? 0 : scaled_step + 1;
    tile.scale_units(step, weights[step % 2]);
  };
  for (int step = 0; step < kStateStages - 1; ++step) fetch(step);
  tile.read();
  tile.read_exponents();
  wait_for_groups<kStateStages - 2>();
  __syncthreads();
  tile.read_units(0);
  scale(0);
  for (int step = 0, chunk = 0, of_chunk = 0; step < steps; ++step) {
    if (of_chunk == 0) tile.begin(chunk++);
    of_chunk = of_chunk + 1 == per_chunk ? 0 : of_chunk + 1;
    __syncthreads();
    fetch(step + kStateStages - 1);
    wait_for_groups<kStateStages - 2>();
    if (step + 1 < steps) tile.read_units(step + 1);
    tile.multiply(step, weights[step % 2]);
    if (step + 1 < steps) scale(step + 1);
  }
  tile.write();
}

}  // namespace

extern "C" {
__global__ void __launch_bounds__(kMostChunk) mlstm_chunk_gates(MlstmChunkArgs args) {
  chunk_gates(args);
}
#define XLSTM_STATES(rows)                                                                        \
  __global__ void __launch_bounds__(kThreads, 1) mlstm_chunk_states_##rows(MlstmChunkArgs args) { \
    chunk_states<rows>(args);                                                                     \
  }
XLSTM_STATES(64)
XLSTM_STATES(128)
}
