// The mLSTM cell (xlstm/kernels/mlstm_step/mlstm_step.h has the formulas), states in float32.
//
// A block has some columns of one head's C of one sequence, a thread those of a few rows. What a
// head has once (n, m, the denominator) every block computes for itself; the last block of a head
// to finish writes n and m, when nobody reads the old ones any more.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/bulk_copy.cuh"
#include "xlstm/cuda/kernels/common.cuh"
#include "xlstm/cuda/kernels/step_gates.cuh"

using xlstm::cuda::MlstmArgs;

namespace {

constexpr int kThreads = 256;

// True in all threads of the last of `blocks` blocks that come here, for which it puts the counter
// back; what the others wrote before is visible to it.
__device__ bool is_last_block(int* arrived, int blocks) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    last = atomicAdd(arrived, 1) == blocks - 1;
    if (last) *arrived = 0;
  }
  __syncthreads();
  if (last) __threadfence();
  return last;
}

// Layer norm of a head's h [DHV] (in memory that other blocks wrote), times sigmoid(out_gate).
template <typename A>
__device__ void finish_head(const MlstmArgs& a, const float* h, int64 token, int head, float scale,
                            float* scratch) {
  const int at = head * a.DHV;
  float sum = 0;
  for (int d = threadIdx.x; d < a.DHV; d += kThreads) sum += scale * __ldcg(h + d);
  const float mean = block_sum(sum, scratch) / a.DHV;
  float squares = 0;
  for (int d = threadIdx.x; d < a.DHV; d += kThreads) {
    const float centred = scale * __ldcg(h + d) - mean;
    squares += centred * centred;
  }
  const float r = 1.0F / sqrtf(block_sum(squares, scratch) / a.DHV + a.norm_eps);
  const A* gate = static_cast<const A*>(a.out_gate) + token * a.out_gate_stride + at;
  A* y = static_cast<A*>(a.y) + token * a.NH * a.DHV + at;
  for (int d = threadIdx.x; d < a.DHV; d += kThreads) {
    float value = (scale * __ldcg(h + d) - mean) * r * a.norm_weight[at + d];
    if (a.norm_bias != nullptr) value += a.norm_bias[at + d];
    y[d] = from_float<A>(value * sigmoid_of(to_float(gate[d])));
  }
}

// What the step of one token needs of a head besides C, for all columns. [DHQK] each.
struct HeadMemory {
  float2* qk;  // q / sqrt(DHQK), and k times what is taken of it
  float* n;
};

// q and k of one head, and those of this thread's first row, which are read before they are needed.
template <typename A>
struct HeadInput {
  const A *q, *k;
  A first_q, first_k;

  __device__ HeadInput(const MlstmArgs& a, int head, int b) : first_q(), first_k() {
    const int64 at = static_cast<int64>(b) * a.qkv_stride + head * a.DHQK;
    q = static_cast<const A*>(a.q) + at;
    k = static_cast<const A*>(a.k) + at;
    if (threadIdx.x >= a.DHQK) return;
    first_q = q[threadIdx.x];
    first_k = k[threadIdx.x];
  }
};

// Moves n on in `memory`, and returns q . n in all threads. Threads may read `memory` after it.
template <typename A>
__device__ float move_n_on(const MlstmArgs& a, const HeadInput<A>& in, const Gates& gates,
                           const HeadMemory& memory, float* scratch) {
  const float scale = 1.0F / sqrtf(static_cast<float>(a.DHQK));
  float qn = 0;
  for (int row = threadIdx.x; row < a.DHQK; row += kThreads) {
    const bool first = row == threadIdx.x;
    const float q = to_float(first ? in.first_q : in.q[row]) * scale;
    const float k = gates.take * to_float(first ? in.first_k : in.k[row]);
    memory.qk[row] = make_float2(q, k);
    memory.n[row] = gates.keep * memory.n[row] + k;
    qn += q * memory.n[row];
  }
  return block_sum(qn, scratch);
}

// How many of a head's blocks have read its n and m before this one. Known in thread 0 alone, and
// to be asked for late: the answer takes as long as a read of memory.
__device__ int note_reader(int* arrived) {
  return threadIdx.x == 0 ? atomicAdd(arrived, 1) : 0;
}
// True in all threads of the last of `blocks` blocks. To be followed by a barrier of the block
// before it is read.
__device__ void tell_last(int* arrived, int before, int blocks, bool* last) {
  if (threadIdx.x != 0) return;
  *last = before == blocks - 1;
  if (*last) *arrived = 0;
}

__device__ void write_n(const MlstmArgs& a, int head, int b, const float* n, float m) {
  for (int row = threadIdx.x; row < a.DHQK; row += kThreads) a.n[b][head * a.DHQK + row] = n[row];
  if (threadIdx.x == 0) a.m[b][head] = m;
}

// One token of each sequence. A strip is 4 kAcross columns of one head's C; a block takes one after
// the other, a thread four columns of every (kThreads / kAcross)th row, which it fetches itself
// into a ring in shared memory, kRing tiles of kAhead pieces before it needs them: across the ends
// of strips, and the first ones while the kernels before still run. (No kernel that may be among
// them writes the state: CudaStates sees to that.) DHV is a multiple of four.
constexpr int kAhead = 8;

template <int kAcross>
struct Strips {
  static constexpr int kWidth = 4 * kAcross, kRows = kThreads / kAcross, kTileRows = kRows * kAhead;
  int across, all, tiles;  // of a head; of all heads; tiles of one

  __device__ Strips(const MlstmArgs& a)
      : across((a.DHV + kWidth - 1) / kWidth),
        all(across * a.NH * a.B),
        tiles((a.DHQK + kTileRows - 1) / kTileRows) {}
};

// Where this thread's columns of a strip lie.
template <int kAcross>
struct Strip {
  int head, b, column;
  bool inside;
  float* C;

  __device__ Strip(const MlstmArgs& a, const Strips<kAcross>& strips, int strip)
      : head(strip / strips.across % a.NH),
        b(strip / strips.across / a.NH),
        column(strip % strips.across * Strips<kAcross>::kWidth + threadIdx.x % kAcross * 4),
        inside(column < a.DHV),
        C(a.C[b] + static_cast<int64>(head) * a.DHQK * a.DHV + column) {}
};

// The sums of all threads that have the same columns: in the first kWidth / 4 threads' `sum`.
template <int kAcross>
__device__ float4 sum_of_columns(float4 sum, float4* partial) {
  constexpr int kParts = kAcross < kWarp ? kThreads / kWarp : kThreads / kAcross;
#pragma unroll
  for (int lanes = kAcross; lanes < kWarp; lanes *= 2) {
    sum.x += __shfl_xor_sync(~0U, sum.x, lanes), sum.y += __shfl_xor_sync(~0U, sum.y, lanes);
    sum.z += __shfl_xor_sync(~0U, sum.z, lanes), sum.w += __shfl_xor_sync(~0U, sum.w, lanes);
  }
  if (kAcross >= kWarp || threadIdx.x % kWarp < kAcross) {
    const int part = kAcross < kWarp ? threadIdx.x / kWarp : threadIdx.x / kAcross;
    partial[part * kAcross + threadIdx.x % kAcross] = sum;
  }
  __syncthreads();
  if (threadIdx.x >= kAcross) return sum;
  sum = partial[threadIdx.x];
#pragma unroll
  for (int part = 1; part < kParts; ++part) {
    const float4 other = partial[part * kAcross + threadIdx.x];
    sum.x += other.x, sum.y += other.y, sum.z += other.z, sum.w += other.w;
  }
  return sum;
}

template <typename A, int kAcross, int kRing>
__device__ void step(const MlstmArgs& a) {
  extern __shared__ float4 ring[];  // [kRing][kAhead][kThreads]
  using S = Strips<kAcross>;
  __shared__ float4 partial[kThreads];
  __shared__ float scratch[kWarp];
  __shared__ bool last;
  HeadMemory memory;
  memory.qk = reinterpret_cast<float2*>(ring + kRing * kAhead * kThreads);
  memory.n = reinterpret_cast<float*>(memory.qk + a.DHQK);
  const S strips(a);
  const int first_row = threadIdx.x / kAcross;

  int fetched_strip = blockIdx.x, fetched_tile = 0, fetched_slot = 0;
  Strip<kAcross> ahead(a, strips, min(fetched_strip, strips.all - 1));
  const auto fetch = [&] {
    if (fetched_strip < strips.all) {
#pragma unroll
      for (int r = 0; r < kAhead; ++r) {
        const int row = (fetched_tile * kAhead + r) * S::kRows + first_row;
        if (!ahead.inside || row >= a.DHQK) continue;
        copy_piece(ring + (fetched_slot * kAhead + r) * kThreads + threadIdx.x,
                   ahead.C + static_cast<int64>(row) * a.DHV);
      }
      if (++fetched_tile == strips.tiles) {
        fetched_tile = 0;
        fetched_strip += gridDim.x;
        if (fetched_strip < strips.all) ahead = Strip<kAcross>(a, strips, fetched_strip);
      }
      fetched_slot = fetched_slot + 1 == kRing ? 0 : fetched_slot + 1;
    }
    end_group();
  };
#pragma unroll
  for (int i = 0; i < kRing; ++i) fetch();

  bool waited = false;
  int slot = 0;
  for (int each = blockIdx.x; each < strips.all; each += gridDim.x) {
    const Strip<kAcross> strip(a, strips, each);
    const int head = strip.head, b = strip.b;
    __syncthreads();  // nobody reads the last strip's numbers any more
    for (int row = threadIdx.x; row < a.DHQK; row += kThreads) {
      memory.n[row] = __ldcg(a.n[b] + head * a.DHQK + row);
    }
    const float m_before = __ldcg(a.m[b] + head);
    if (!waited) wait_for_kernel_before();
    waited = true;
    const A* const v_in = static_cast<const A*>(a.v) + static_cast<int64>(b) * a.qkv_stride +
                          head * a.DHV + strip.column;
    float4 v = make_float4(0, 0, 0, 0), sum = v;
    if (strip.inside) {
      v = make_float4(to_float(v_in[0]), to_float(v_in[1]), to_float(v_in[2]), to_float(v_in[3]));
    }
    const HeadInput<A> in(a, head, b);
    const Gates gates = gates_of(a, head, b, m_before);
    const float qn = move_n_on<A>(a, in, gates, memory, scratch);
    int* const arrived = a.arrived + b * a.NH + head;
    const int readers = note_reader(arrived);

    for (int tile = 0; tile < strips.tiles; ++tile) {
      wait_for_groups<kRing - 1>();
#pragma unroll
      for (int r = 0; r < kAhead; ++r) {
        const int row = (tile * kAhead + r) * S::kRows + first_row;
        if (!strip.inside || row >= a.DHQK) continue;
        float4 c = ring[(slot * kAhead + r) * kThreads + threadIdx.x];
        const float2 qk = memory.qk[row];
        c.x = gates.keep * c.x + qk.y * v.x, c.y = gates.keep * c.y + qk.y * v.y;
        c.z = gates.keep * c.z + qk.y * v.z, c.w = gates.keep * c.w + qk.y * v.w;
        sum.x += qk.x * c.x, sum.y += qk.x * c.y, sum.z += qk.x * c.z, sum.w += qk.x * c.w;
        *reinterpret_cast<float4*>(strip.C + static_cast<int64>(row) * a.DHV) = c;
      }
      slot = slot + 1 == kRing ? 0 : slot + 1;
      fetch();
    }
    tell_last(arrived, readers, strips.across, &last);
    sum = sum_of_columns<kAcross>(sum, partial);
    float* const h = a.h + (static_cast<int64>(b) * a.NH + head) * a.DHV;
    if (threadIdx.x < kAcross && strip.inside) {
      const float inverse = inverse_denominator(qn, gates.m, a.cell_eps);
      *reinterpret_cast<float4*>(h + strip.column) =
          make_float4(inverse * sum.x, inverse * sum.y, inverse * sum.z, inverse * sum.w);
    }
    if (last) write_n(a, head, b, memory.n, gates.m);  // nobody reads the old ones any more
    if (a.open != 0 || a.out_gate == nullptr) continue;
    // Another count, of blocks whose h is written.
    if (is_last_block(arrived + a.B * a.NH, strips.across)) {
      finish_head<A>(a, h, b, head, 1.0F, scratch);
    }
  }
}

// The same for any DHV. Grid: (blocks of kThreads columns, NH, B).
template <typename A>
__device__ void scalar_step(const MlstmArgs& a) {
  extern __shared__ float4 ring[];  // as above, without the ring
  __shared__ float scratch[kWarp];
  __shared__ bool last;
  HeadMemory memory;
  memory.qk = reinterpret_cast<float2*>(ring);
  memory.n = reinterpret_cast<float*>(memory.qk + a.DHQK);
  const int head = blockIdx.y, b = blockIdx.z, column = blockIdx.x * kThreads + threadIdx.x;
  wait_for_kernel_before();
  for (int row = threadIdx.x; row < a.DHQK; row += kThreads) {
    memory.n[row] = __ldcg(a.n[b] + head * a.DHQK + row);
  }
  const Gates gates = gates_of(a, head, b, __ldcg(a.m[b] + head));
  const float qn = move_n_on<A>(a, HeadInput<A>(a, head, b), gates, memory, scratch);
  int* const arrived = a.arrived + b * a.NH + head;
  tell_last(arrived, note_reader(arrived), gridDim.x, &last);
  float* const h = a.h + (static_cast<int64>(b) * a.NH + head) * a.DHV;
  if (column < a.DHV) {
    float* const C = a.C[b] + static_cast<int64>(head) * a.DHQK * a.DHV + column;
    const float v = to_float(
        static_cast<const A*>(a.v)[static_cast<int64>(b) * a.qkv_stride + head * a.DHV + column]);
    float sum = 0;
    for (int row = 0; row < a.DHQK; ++row) {
      float* const at = C + static_cast<int64>(row) * a.DHV;
      const float c = gates.keep * *at + memory.qk[row].y * v;
      *at = c;
      sum += memory.qk[row].x * c;
    }
    h[column] = sum * inverse_denominator(qn, gates.m, a.cell_eps);
  }
  __syncthreads();
  if (last) write_n(a, head, b, memory.n, gates.m);
  if (a.open != 0 || a.out_gate == nullptr) return;
  if (is_last_block(arrived + a.B * a.NH, gridDim.x)) finish_head<A>(a, h, b, head, 1.0F, scratch);
}

// S tokens of each sequence, one after the other: right for all sizes, and what faster kernels are
// compared with. Grid: (blocks of kThreads columns, NH, B). C stays in memory.
template <typename A>
__device__ void sequence(const MlstmArgs& a) {
  extern __shared__ float shared[];  // q [DHQK], k [DHQK], n [DHQK]
  float* q = shared;
  float* k = q + a.DHQK;
  float* n = k + a.DHQK;
  __shared__ float scratch[kWarp];
  const int head = blockIdx.y, b = blockIdx.z;
  const int column = blockIdx.x * kThreads + threadIdx.x;
  float* const C = a.C[b] + static_cast<int64>(head) * a.DHQK * a.DHV + column;
  for (int row = threadIdx.x; row < a.DHQK; row += kThreads) {
    n[row] = __ldcg(a.n[b] + head * a.DHQK + row);
  }
  float m = __ldcg(a.m[b] + head);
  const float scale = 1.0F / sqrtf(static_cast<float>(a.DHQK));
  for (int s = 0; s < a.S; ++s) {
    const int64 token = static_cast<int64>(b) * a.S + s;
    const A* const q_in = static_cast<const A*>(a.q) + token * a.qkv_stride + head * a.DHQK;
    const A* const k_in = static_cast<const A*>(a.k) + token * a.qkv_stride + head * a.DHQK;
    const A* const v_in = static_cast<const A*>(a.v) + token * a.qkv_stride + head * a.DHV;
    const Gates gates(a.i[token * a.gate_stride + head], a.f[token * a.gate_stride + head], m,
                      a.gate_cap);
    m = gates.m;
    __syncthreads();
    float qn = 0;
    for (int row = threadIdx.x; row < a.DHQK; row += kThreads) {
      q[row] = to_float(q_in[row]) * scale;
      k[row] = to_float(k_in[row]);
      n[row] = gates.keep * n[row] + gates.take * k[row];
      qn += q[row] * n[row];
    }
    qn = block_sum(qn, scratch);
    if (column < a.DHV) {
      const float v = gates.take * to_float(v_in[column]);
      float sum = 0;
      for (int row = 0; row < a.DHQK; ++row) {
        float* const at = C + static_cast<int64>(row) * a.DHV;
        const float c = gates.keep * *at + k[row] * v;
        *at = c;
        sum += q[row] * c;
      }
      a.h[(token * a.NH + head) * a.DHV + column] = sum * inverse_denominator(qn, m, a.cell_eps);
    }
  }
  if (!is_last_block(a.arrived + b * a.NH + head, gridDim.x)) return;
  for (int row = threadIdx.x; row < a.DHQK; row += kThreads) {
    a.n[b][head * a.DHQK + row] = n[row];
  }
  if (threadIdx.x == 0) a.m[b][head] = m;
}

// The same with C in registers, for DHQK up to 256 in steps of 32 and DHV in steps of 4: a block
// has kColumns columns, a thread four of up to eight rows. Tokens come in groups, for which gates,
// n and the denominators are made first; within a group no thread waits for another. Grid: (blocks
// of kColumns columns, NH, B).
constexpr int kGroup = 16;    // tokens
constexpr int kColumns = 32;  // of a block
constexpr int kMostRows = 256;

// Sums over the warp of sixteen numbers of each lane: lane l gets that of number l / 2.
__device__ float sum_of_sixteen(float (&x)[kGroup]) {
  const int lane = threadIdx.x % kWarp;
#pragma unroll
  for (int lanes = kWarp / 2, count = kGroup / 2; count > 0; lanes /= 2, count /= 2) {
    const bool upper = (lane & lanes) != 0;
#pragma unroll
    for (int i = 0; i < kGroup / 2; ++i) {
      if (i >= count) break;
      const float other = upper ? x[i] : x[i + count];
      x[i] = (upper ? x[i + count] : x[i]) + __shfl_xor_sync(~0U, other, lanes);
    }
  }
  return x[0] + __shfl_xor_sync(~0U, x[0], 1);
}

struct GroupMemory {
  float q[kGroup][kMostRows], k[kGroup][kMostRows];
  float v[kGroup][kColumns];
  float partial[kGroup][kThreads / kWarp][kColumns];
  float qn[kThreads / kWarp][kGroup];
  float m[kGroup], keep[kGroup], take[kGroup];
};

// Gates of the group's tokens, by the first warp; returns m after them, in every thread of it.
__device__ float make_gates(const MlstmArgs& a, GroupMemory& g, int64 first, int count, int head,
                            float m) {
  const int lane = threadIdx.x;
  float i = 0, lf = 0;
  if (lane < count) {
    i = capped(a.i[(first + lane) * a.gate_stride + head], a.gate_cap);
    lf = log_sigmoid(capped(a.f[(first + lane) * a.gate_stride + head], a.gate_cap));
  }
  for (int s = 0; s < count; ++s) {
    const float i_s = __shfl_sync(~0U, i, s), kept = __shfl_sync(~0U, lf, s) + m;
    m = fmaxf(kept, i_s);
    if (lane == s) {
      g.m[s] = m;
      g.keep[s] = expf(kept - m);
      g.take[s] = expf(i_s - m);
    }
  }
  return m;
}

template <typename A>
__device__ void sequence_in_registers(const MlstmArgs& a) {
  extern __shared__ float shared[];
  GroupMemory& g = *reinterpret_cast<GroupMemory*>(shared);
  constexpr int kAcross = kColumns / 4, kRows = kThreads / kAcross, kEach = kMostRows / kRows;
  const int head = blockIdx.y, b = blockIdx.z;
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int own = threadIdx.x % kAcross * 4, column = blockIdx.x * kColumns + own;
  const int first_row = threadIdx.x / kAcross;
  const bool inside = column < a.DHV;
  float* const C = a.C[b] + static_cast<int64>(head) * a.DHQK * a.DHV + column;
  float c[kEach][4];
#pragma unroll
  for (int r = 0; r < kEach; ++r) {
    const int row = first_row + r * kRows;
    const bool there = inside && row < a.DHQK;
    const float4 read = there
                            ? *reinterpret_cast<const float4*>(C + static_cast<int64>(row) * a.DHV)
                            : make_float4(0, 0, 0, 0);
    c[r][0] = read.x, c[r][1] = read.y, c[r][2] = read.z, c[r][3] = read.w;
  }
  const int row_of_n = threadIdx.x;
  float n = row_of_n < a.DHQK ? __ldcg(a.n[b] + head * a.DHQK + row_of_n) : 0.0F;
  float m = __ldcg(a.m[b] + head);
  const float scale = 1.0F / sqrtf(static_cast<float>(a.DHQK));

  for (int begin = 0; begin < a.S; begin += kGroup) {
    const int count = min(kGroup, a.S - begin);
    const int64 first = static_cast<int64>(b) * a.S + begin;
    __syncthreads();  // nobody reads the last group's numbers any more
    for (int s = 0; s < kGroup; ++s) {
      const A* const q_in = static_cast<const A*>(a.q) + (first + s) * a.qkv_stride + head * a.DHQK;
      const A* const k_in = static_cast<const A*>(a.k) + (first + s) * a.qkv_stride + head * a.DHQK;
      const bool there = s < count && row_of_n < a.DHQK;
      g.q[s][row_of_n] = there ? to_float(q_in[row_of_n]) * scale : 0.0F;
      g.k[s][row_of_n] = there ? to_float(k_in[row_of_n]) : 0.0F;
    }
    for (int at = threadIdx.x; at < kGroup * kColumns; at += kThreads) {
      const int s = at / kColumns, d = blockIdx.x * kColumns + at % kColumns;
      const A* const v_in = static_cast<const A*>(a.v) + (first + s) * a.qkv_stride + head * a.DHV;
      g.v[s][at % kColumns] = s < count && d < a.DHV ? to_float(v_in[d]) : 0.0F;
    }
    if (warp == 0) m = make_gates(a, g, first, count, head, m);
    __syncthreads();

    float qn[kGroup];
#pragma unroll
    for (int s = 0; s < kGroup; ++s) {
      qn[s] = 0;
      if (s >= count) continue;
      n = g.keep[s] * n + g.take[s] * g.k[s][row_of_n];
      qn[s] = g.q[s][row_of_n] * n;
    }
    const float qn_of_warp = sum_of_sixteen(qn);
    if (lane % 2 == 0) g.qn[warp][lane / 2] = qn_of_warp;

    for (int s = 0; s < count; ++s) {
      const float keep = g.keep[s], take = g.take[s];
      const float4 v = *reinterpret_cast<const float4*>(&g.v[s][own]);
      float sum[4] = {};
#pragma unroll
      for (int r = 0; r < kEach; ++r) {
        const float kk = take * g.k[s][first_row + r * kRows], q = g.q[s][first_row + r * kRows];
        c[r][0] = keep * c[r][0] + kk * v.x;
        c[r][1] = keep * c[r][1] + kk * v.y;
        c[r][2] = keep * c[r][2] + kk * v.z;
        c[r][3] = keep * c[r][3] + kk * v.w;
#pragma unroll
        for (int j = 0; j < 4; ++j) sum[j] += q * c[r][j];
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        sum[j] += __shfl_xor_sync(~0U, sum[j], 8);
        sum[j] += __shfl_xor_sync(~0U, sum[j], 16);
      }
      if (lane < kAcross) {
        *reinterpret_cast<float4*>(&g.partial[s][warp][own]) =
            make_float4(sum[0], sum[1], sum[2], sum[3]);
      }
    }
    __syncthreads();
    for (int at = threadIdx.x; at < count * kColumns; at += kThreads) {
      const int s = at / kColumns, d = blockIdx.x * kColumns + at % kColumns;
      if (d >= a.DHV) continue;
      float h = 0, all_qn = 0;
#pragma unroll
      for (int each = 0; each < kThreads / kWarp; ++each) {
        h += g.partial[s][each][at % kColumns];
        all_qn += g.qn[each][s];
      }
      a.h[((first + s) * a.NH + head) * a.DHV + d] =
          h * inverse_denominator(all_qn, g.m[s], a.cell_eps);
    }
  }
#pragma unroll
  for (int r = 0; r < kEach; ++r) {
    const int row = first_row + r * kRows;
    if (!inside || row >= a.DHQK) continue;
    *reinterpret_cast<float4*>(C + static_cast<int64>(row) * a.DHV) =
        make_float4(c[r][0], c[r][1], c[r][2], c[r][3]);
  }
  if (!is_last_block(a.arrived + b * a.NH + head, gridDim.x)) return;
  if (row_of_n < a.DHQK) a.n[b][head * a.DHQK + row_of_n] = n;
  if (threadIdx.x == 0) a.m[b][head] = m;
}

}  // namespace

extern "C" {
#define XLSTM_MLSTM_STEP(A, kAcross, kRing, name)               \
  __global__ void __launch_bounds__(kThreads)                   \
      mlstm_step_##name##_##kAcross##_##kRing(MlstmArgs args) { \
    step<A, kAcross, kRing>(args);                              \
  }
#define XLSTM_MLSTM(A, name)                                                                    \
  XLSTM_MLSTM_STEP(A, 8, 1, name)                                                               \
  XLSTM_MLSTM_STEP(A, 8, 4, name)                                                               \
  XLSTM_MLSTM_STEP(A, 16, 4, name)                                                              \
  XLSTM_MLSTM_STEP(A, 32, 4, name)                                                              \
  XLSTM_MLSTM_STEP(A, 64, 4, name)                                                              \
  XLSTM_MLSTM_STEP(A, 64, 3, name)                                                              \
  XLSTM_MLSTM_STEP(A, 128, 3, name)                                                             \
  XLSTM_MLSTM_STEP(A, 8, 2, name)                                                               \
  XLSTM_MLSTM_STEP(A, 16, 2, name)                                                              \
  XLSTM_MLSTM_STEP(A, 32, 2, name)                                                              \
  XLSTM_MLSTM_STEP(A, 64, 2, name)                                                              \
  __global__ void __launch_bounds__(kThreads) mlstm_step_scalar_##name(MlstmArgs args) {        \
    scalar_step<A>(args);                                                                       \
  }                                                                                             \
  __global__ void __launch_bounds__(kThreads) mlstm_sequence_##name(MlstmArgs args) {           \
    sequence<A>(args);                                                                          \
  }                                                                                             \
  __global__ void __launch_bounds__(kThreads) mlstm_sequence_registers_##name(MlstmArgs args) { \
    sequence_in_registers<A>(args);                                                             \
  }
XLSTM_MLSTM(float, f32)
XLSTM_MLSTM(bf16, bf16)
}
