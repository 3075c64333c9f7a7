// One token of each of many sequences through the mLSTM cell, for compute capability 9.0 and newer:
// a block takes whole heads, one after the other. A head's C, which lies together, goes through
// shared memory tile by tile and back, by bulk copies of 32 KB that no thread waits for: 95% of a
// copy's rate for 64 sequences of the 7B, where mlstm.cu's step has 87% (H200). A thread has two
// columns of all rows, so that nothing is added up between threads but what a head has once.
#include "xlstm/cuda/kernels/bulk_copy.cuh"
#include "xlstm/cuda/kernels/step_gates.cuh"

using xlstm::cuda::MlstmArgs;

namespace {

constexpr int kThreads = 256;  // that compute; one more warp copies

#if __CUDA_ARCH__ >= 900

constexpr int kTileBytes = 32 << 10, kTiles = 6;  // of the ring
constexpr int kWarps = kThreads / kWarp;

// The heads of this block, counted over all sequences, and the tiles of one.
struct Heads {
  int begin, end, rows, tiles;  // rows of a tile

  __device__ Heads(const MlstmArgs& a)
      : rows(min(a.DHQK, kTileBytes / (4 * a.DHV))), tiles((a.DHQK + rows - 1) / rows) {
    const int64 all = static_cast<int64>(a.B) * a.NH;
    begin = static_cast<int>(all * blockIdx.x / gridDim.x);
    end = static_cast<int>(all * (blockIdx.x + 1) / gridDim.x);
  }
};

struct Ring {
  char* tiles;
  uint64 *full, *done;  // [kTiles]: whether a tile has come, and whether it is moved on

  __device__ char* at(int n) const { return tiles + n % kTiles * kTileBytes; }
  __device__ static int parity(int n) { return n / kTiles & 1; }
};

// What the copying thread does. A tile's place is filled again when the next one is on its way
// back, by when it has itself been read.
__device__ void copy_tiles(const MlstmArgs& a, const Heads& heads, const Ring& ring) {
  const int all = (heads.end - heads.begin) * heads.tiles;
  const auto bytes = [&](int n) {
    return 4U * a.DHV * min(heads.rows, a.DHQK - n % heads.tiles * heads.rows);
  };
  const auto place = [&](int n) {
    const int head = heads.begin + n / heads.tiles, row = n % heads.tiles * heads.rows;
    return a.C[head / a.NH] + (static_cast<int64>(head % a.NH) * a.DHQK + row) * a.DHV;
  };
  const auto fetch = [&](int n) {
    if (n >= all) return;
    barrier_expect(ring.full + n % kTiles, bytes(n));
    bulk_copy(ring.at(n), place(n), bytes(n), ring.full + n % kTiles);
  };
  for (int n = 0; n < kTiles; ++n) fetch(n);
  for (int n = 0; n < all; ++n) {
    barrier_wait(ring.done + n % kTiles, Ring::parity(n));
    bulk_store(place(n), ring.at(n), bytes(n));
    end_stores();
    if (n == 0) continue;
    wait_until_read<1>();
    fetch(n - 1 + kTiles);
  }
  wait_until_stored();
}

template <typename A>
struct Mover {
  static constexpr int kColumns = 2;  // of a thread

  const MlstmArgs& a;
  const Heads& heads;
  const Ring& ring;
  float2* qk;      // [DHQK] q / sqrt(DHQK), and k times what is taken of it
  float* scratch;  // [2, kWarps]
  int column = threadIdx.x * kColumns;
  bool inside = column < a.DHV;
  int tiles_done = 0;

  // In all threads; `which` part of scratch, in turns.
  __device__ float sum_of_block(float x, int which) const {
    float* const sums = scratch + which * kWarps;
    x = warp_sum(x);
    if (threadIdx.x % kWarp == 0) sums[threadIdx.x / kWarp] = x;
    sync_first<kThreads>();
    float sum = 0;
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) sum += sums[warp];
    return sum;
  }

  __device__ void read(const void* from, int64 at, float (&x)[kColumns]) const {
#pragma unroll
    for (int i = 0; i < kColumns; ++i) {
      x[i] = inside ? to_float(static_cast<const A*>(from)[at + column + i]) : 0.0F;
    }
  }

  // Moves n on, puts q and k where all threads read them, and returns q . n.
  __device__ float move_n_on(int head, int b, const Gates& gates) const {
    const int row = threadIdx.x;
    float qn = 0;
    sync_first<kThreads>();  // nobody reads the last head's q and k, or this one's m, any more
    if (row < a.DHQK) {
      const int64 at = static_cast<int64>(b) * a.qkv_stride + head * a.DHQK + row;
      const float q = to_float(static_cast<const A*>(a.q)[at]) / sqrtf(static_cast<float>(a.DHQK));
      const float k = gates.take * to_float(static_cast<const A*>(a.k)[at]);
      float* const n = a.n[b] + head * a.DHQK + row;
      const float moved = gates.keep * __ldcg(n) + k;
      *n = moved;
      qk[row] = make_float2(q, k);
      qn = q * moved;
    }
    if (row == 0) a.m[b][head] = gates.m;
    return sum_of_block(qn, 0);
  }

  // Moves C on, and adds q C to h.
  __device__ void move_C_on(const Gates& gates, const float (&v)[kColumns], float (&h)[kColumns]) {
    for (int tile = 0; tile < heads.tiles; ++tile, ++tiles_done) {
      const int stage = tiles_done % kTiles;
      barrier_wait(ring.full + stage, Ring::parity(tiles_done));
      float* const C = reinterpret_cast<float*>(ring.at(tiles_done)) + column;
      const float2* const of_rows = qk + tile * heads.rows;
      const int rows = inside ? min(heads.rows, a.DHQK - tile * heads.rows) : 0;
#pragma unroll 8
      for (int r = 0; r < rows; ++r) {
        float2 c = *reinterpret_cast<const float2*>(C + r * a.DHV);
        const float2 of_row = of_rows[r];
        c.x = gates.keep * c.x + of_row.y * v[0], c.y = gates.keep * c.y + of_row.y * v[1];
        h[0] += of_row.x * c.x, h[1] += of_row.x * c.y;
        *reinterpret_cast<float2*>(C + r * a.DHV) = c;
      }
      end_before_copies();
      __syncwarp();
      if (threadIdx.x % kWarp == 0) barrier_arrive(ring.done + stage);
    }
  }

  // y: the head's norm of h, times sigmoid(out_gate).
  __device__ void finish(int head, int b, const float (&h)[kColumns],
                         const float (&gate)[kColumns]) const {
    const float mean = sum_of_block(h[0] + h[1], 1) / a.DHV;
    float squares = 0;
#pragma unroll
    for (int i = 0; i < kColumns; ++i) squares += inside ? (h[i] - mean) * (h[i] - mean) : 0.0F;
    const float r = 1.0F / sqrtf(sum_of_block(squares, 0) / a.DHV + a.norm_eps);
    if (!inside) return;
    const int at = head * a.DHV + column;
    A* const y = static_cast<A*>(a.y) + static_cast<int64>(b) * a.NH * a.DHV + at;
#pragma unroll
    for (int i = 0; i < kColumns; ++i) {
      float value = (h[i] - mean) * r * a.norm_weight[at + i];
      if (a.norm_bias != nullptr) value += a.norm_bias[at + i];
      y[i] = from_float<A>(value * sigmoid_of(gate[i]));
    }
  }

  __device__ void run() {
    wait_for_kernel_before();
    for (int each = heads.begin; each < heads.end; ++each) {
      const int b = each / a.NH, head = each % a.NH;
      const Gates gates = gates_of(a, head, b, __ldcg(a.m[b] + head));
      float v[kColumns], gate[kColumns] = {}, h[kColumns] = {};
      read(a.v, static_cast<int64>(b) * a.qkv_stride + head * a.DHV, v);
      if (a.out_gate != nullptr) {
        read(a.out_gate, static_cast<int64>(b) * a.out_gate_stride + head * a.DHV, gate);
      }
      const float qn = move_n_on(head, b, gates);
      move_C_on(gates, v, h);
      const float inverse = inverse_denominator(qn, gates.m, a.cell_eps);
      h[0] *= inverse, h[1] *= inverse;
      if (a.out_gate != nullptr) {
        finish(head, b, h, gate);
      } else if (inside) {
        float* const to = a.h + (static_cast<int64>(b) * a.NH + head) * a.DHV + column;
        *reinterpret_cast<float2*>(to) = make_float2(h[0], h[1]);
      }
    }
  }
};

template <typename A>
__device__ void step_heads(const MlstmArgs& a) {
  extern __shared__ float4 memory[];
  __shared__ uint64 full[kTiles], done[kTiles];
  __shared__ float scratch[2 * kWarps];
  const Ring ring = {reinterpret_cast<char*>(memory), full, done};
  make_ring_barriers(full, done, kTiles, kWarps);
  const Heads heads(a);
  if (threadIdx.x >= kThreads) {
    if (threadIdx.x == kThreads) copy_tiles(a, heads, ring);
  } else {
    auto* const qk = reinterpret_cast<float2*>(ring.tiles + kTiles * kTileBytes);
    Mover<A>{a, heads, ring, qk, scratch}.run();
  }
}

#else

template <typename A>
__device__ void step_heads(const MlstmArgs&) {}

#endif

}  // namespace

// No kernel that these need not wait for writes the state, whose first tiles are fetched before
// the wait.
extern "C" {
__global__ void __launch_bounds__(kThreads + kWarp) mlstm_heads_f32(MlstmArgs args) {
  step_heads<float>(args);
}
__global__ void __launch_bounds__(kThreads + kWarp) mlstm_heads_bf16(MlstmArgs args) {
  step_heads<bf16>(args);
}
}
