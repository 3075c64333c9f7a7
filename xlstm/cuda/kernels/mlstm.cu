// The mLSTM cell (xlstm/kernels/mlstm_step/mlstm_step.h has the formulas), states in float32.
//
// A block has some columns of one head's C of one sequence, in registers: a thread those of a few
// rows. What a head has once (n, m, the denominator) every block computes for itself; the last
// block of a head to finish writes n and m, when nobody reads the old ones any more.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"
#include "xlstm/cuda/kernels/gates.cuh"

using xlstm::cuda::MlstmArgs;

namespace {

constexpr int kThreads = 256;

// What the gates of one token make of the state.
struct Gates {
  float m;     // after it
  float keep;  // of the state
  float take;  // of k v^T

  __device__ Gates(float i, float f, float m_before, float cap) {
    i = capped(i, cap);
    const float kept = log_sigmoid(capped(f, cap)) + m_before;
    m = fmaxf(kept, i);
    keep = expf(kept - m);
    take = expf(i - m);
  }
};

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

// One token of each sequence. Grid: (blocks of kColumns columns, NH, B). kVector columns a thread
// (4 where DHV and the memory allow it, else 1), so kThreads * kVector / kColumns rows at a time.
template <typename A, int kVector, int kColumns>
__device__ void step(const MlstmArgs& a) {
  extern __shared__ float shared[];  // q [DHQK], k [DHQK], n [DHQK], partial sums
  constexpr int kAcross = kColumns / kVector, kRows = kThreads / kAcross, kAhead = 8;
  static_assert(kWarp % kAcross == 0, "a warp has whole rows of a block");
  float* const q = shared;
  float* const k = q + a.DHQK;
  float* const n = k + a.DHQK;
  float* const partial = n + a.DHQK;  // [warps][kColumns]
  __shared__ float scratch[kWarp];
  __shared__ bool last;
  const int head = blockIdx.y, b = blockIdx.z, lane = threadIdx.x % kWarp;
  const int column = blockIdx.x * kColumns + threadIdx.x % kAcross * kVector;
  const int first_row = threadIdx.x / kAcross;
  const bool inside = column < a.DHV;
  float* const C = a.C[b] + static_cast<int64>(head) * a.DHQK * a.DHV + column;

  // The state comes while the kernels before still run: no kernel that may be among them writes it
  // (CudaStates sees to that).
  float ahead[kAhead][kVector];
#pragma unroll
  for (int r = 0; r < kAhead; ++r) {
    const int row = first_row + r * kRows;
    if (!inside || row >= a.DHQK) continue;
    if constexpr (kVector == 4) {
      const float4 c = __ldcg(reinterpret_cast<const float4*>(C + static_cast<int64>(row) * a.DHV));
      ahead[r][0] = c.x, ahead[r][1] = c.y, ahead[r][2] = c.z, ahead[r][3] = c.w;
    } else {
      ahead[r][0] = __ldcg(C + static_cast<int64>(row) * a.DHV);
    }
  }
  for (int row = threadIdx.x; row < a.DHQK; row += kThreads) {
    n[row] = __ldcg(a.n[b] + head * a.DHQK + row);
  }
  const float m_before = __ldcg(a.m[b] + head);
  wait_for_kernel_before();

  const A* const q_in = static_cast<const A*>(a.q) + static_cast<int64>(b) * a.qkv_stride;
  const A* const k_in = static_cast<const A*>(a.k) + static_cast<int64>(b) * a.qkv_stride;
  const A* const v_in = static_cast<const A*>(a.v) + static_cast<int64>(b) * a.qkv_stride;
  float v[kVector], sum[kVector];
#pragma unroll
  for (int j = 0; j < kVector; ++j) {
    v[j] = inside ? to_float(v_in[head * a.DHV + column + j]) : 0.0F;
    sum[j] = 0;
  }
  const Gates gates(a.i[static_cast<int64>(b) * a.gate_stride + head],
                    a.f[static_cast<int64>(b) * a.gate_stride + head], m_before, a.gate_cap);
  const float scale = 1.0F / sqrtf(static_cast<float>(a.DHQK));
  float qn = 0;
  for (int row = threadIdx.x; row < a.DHQK; row += kThreads) {
    q[row] = to_float(q_in[head * a.DHQK + row]) * scale;
    k[row] = to_float(k_in[head * a.DHQK + row]);
    n[row] = gates.keep * n[row] + gates.take * k[row];
    qn += q[row] * n[row];
  }
  qn = block_sum(qn, scratch);  // all threads have read n and m, and see q and k
  int* const arrived = a.arrived + b * a.NH + head;
  if (threadIdx.x == 0) {
    last = atomicAdd(arrived, 1) == gridDim.x - 1;
    if (last) *arrived = 0;
  }

  for (int base = first_row, r0 = 0; base < a.DHQK; base += kAhead * kRows, r0 += kAhead) {
#pragma unroll
    for (int r = 0; r < kAhead; ++r) {
      const int row = base + r * kRows;
      if (!inside || row >= a.DHQK) continue;
      float* const at = C + static_cast<int64>(row) * a.DHV;
      float c[kVector];
      if (r0 == 0) {
#pragma unroll
        for (int j = 0; j < kVector; ++j) c[j] = ahead[r][j];
      } else if constexpr (kVector == 4) {
        const float4 read = *reinterpret_cast<const float4*>(at);
        c[0] = read.x, c[1] = read.y, c[2] = read.z, c[3] = read.w;
      } else {
        c[0] = *at;
      }
      const float kk = gates.take * k[row], qq = q[row];
#pragma unroll
      for (int j = 0; j < kVector; ++j) {
        c[j] = gates.keep * c[j] + kk * v[j];
        sum[j] += qq * c[j];
      }
      if constexpr (kVector == 4) {
        *reinterpret_cast<float4*>(at) = make_float4(c[0], c[1], c[2], c[3]);
      } else {
        *at = c[0];
      }
    }
  }
#pragma unroll
  for (int j = 0; j < kVector; ++j) {
#pragma unroll
    for (int lanes = kAcross; lanes < kWarp; lanes *= 2) {
      sum[j] += __shfl_xor_sync(~0U, sum[j], lanes);
    }
    if (lane < kAcross) {
      partial[threadIdx.x / kWarp * kColumns + lane * kVector + j] = sum[j];
    }
  }
  __syncthreads();
  float* const h = a.h + (static_cast<int64>(b) * a.NH + head) * a.DHV;
  const float inverse = inverse_denominator(qn, gates.m, a.cell_eps);
  for (int j = threadIdx.x; j < kColumns; j += kThreads) {
    const int d = blockIdx.x * kColumns + j;
    if (d >= a.DHV) continue;
    float all = 0;
#pragma unroll
    for (int warp = 0; warp < kThreads / kWarp; ++warp) all += partial[warp * kColumns + j];
    h[d] = inverse * all;
  }
  if (last) {  // nobody reads the old n and m any more
    for (int row = threadIdx.x; row < a.DHQK; row += kThreads) {
      a.n[b][head * a.DHQK + row] = n[row];
    }
    if (threadIdx.x == 0) a.m[b][head] = gates.m;
  }
  if (a.open != 0 || a.out_gate == nullptr) return;
  // Another count, of blocks whose h is written.
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
#define XLSTM_MLSTM(A, name)                                                                    \
  __global__ void __launch_bounds__(kThreads) mlstm_step_vector_##name(MlstmArgs args) {        \
    step<A, 4, 32>(args);                                                                       \
  }                                                                                             \
  __global__ void __launch_bounds__(kThreads) mlstm_step_scalar_##name(MlstmArgs args) {        \
    step<A, 1, 32>(args);                                                                       \
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
