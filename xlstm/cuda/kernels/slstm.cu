// The sLSTM cell over all tokens of some sequences (xlstm/kernels/slstm_scan/slstm_scan.h has the
// formulas), states in float32.
//
// The blocks of a cluster share a head of kRows sequences: each has as many of its units, keeps
// what these get from all units of the head (R) in shared memory where it fits, and writes its
// units' outputs to every block after each token.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/cluster.cuh"
#include "xlstm/cuda/kernels/common.cuh"

using xlstm::cuda::SlstmArgs;

namespace {

constexpr int kThreads = 256;

// What a unit's four gates get from one unit: i, f, z, o.
template <typename W>
struct Four;
template <>
struct Four<float> {
  float4 x;
};
template <>
struct Four<bf16> {
  uint2 x;
};
__device__ inline float4 floats_of(const Four<float>& four) {
  return four.x;
}
__device__ inline float4 floats_of(const Four<bf16>& four) {
  return make_float4(bf16_low(four.x.x), bf16_high(four.x.x), bf16_low(four.x.y),
                     bf16_high(four.x.y));
}
__device__ inline void add_product(float4& sum, const float4& w, float y) {
  sum.x += w.x * y;
  sum.y += w.y * y;
  sum.z += w.z * y;
  sum.w += w.w * y;
}
__device__ inline void add_to(float4& sum, const float4& x) {
  sum.x += x.x;
  sum.y += x.y;
  sum.z += x.z;
  sum.w += x.w;
}

// The units and sequences of this block.
struct Share {
  int head, rank, units, first_unit, first_row, rows;
  int width;  // of a row of outputs in shared memory

  __device__ Share(const SlstmArgs& a, int most_rows)
      : head(blockIdx.x / a.blocks),
        rank(rank_in_cluster()),
        units(a.DH / a.blocks),
        first_unit(rank * units),
        first_row(blockIdx.y * most_rows),
        rows(min(most_rows, a.B - first_row)),
        width((a.DH + 3) / 4 * 4) {}

  __device__ int at_state(const SlstmArgs& a, int unit) const {
    return head * a.DH + first_unit + unit;
  }
};

// How the block's threads share the sums over DH: `slices` threads for each unit.
struct Slice {
  int slices, slice, unit, begin, end;

  __device__ Slice(int units, int DH)
      : slices(max(kThreads / units, 1)),
        slice(units <= kThreads ? threadIdx.x / units : 0),
        unit(units <= kThreads ? threadIdx.x % units : threadIdx.x),
        begin(4 * (DH / 4 * slice / slices)),
        end(slice + 1 == slices ? DH : 4 * (DH / 4 * (slice + 1) / slices)) {}

  __device__ bool has_work() const { return slice < slices; }
};

// parts [slices][kRows][units]: of this thread's slice, R times the outputs y [kRows][width]; R's
// rows are `stride` apart.
template <typename W, int kRows>
__device__ void multiply(const Four<W>* R, int stride, const float* y, const Share& share,
                         const Slice& slice, float4* parts) {
  if (!slice.has_work()) return;
  for (int unit = slice.unit; unit < share.units; unit += kThreads) {
    float4 sum[kRows] = {};
    const Four<W>* from = R + static_cast<int64>(slice.begin) * stride + unit;
    int d = slice.begin;
#pragma unroll 2
    for (; d + 4 <= slice.end; d += 4, from += 4 * stride) {
      float4 w[4];
#pragma unroll
      for (int j = 0; j < 4; ++j) w[j] = floats_of(from[j * stride]);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        const float4 x = *reinterpret_cast<const float4*>(y + r * share.width + d);
        add_product(sum[r], w[0], x.x);
        add_product(sum[r], w[1], x.y);
        add_product(sum[r], w[2], x.z);
        add_product(sum[r], w[3], x.w);
      }
    }
    for (; d < slice.end; ++d, from += stride) {
      const float4 w = floats_of(*from);
#pragma unroll
      for (int r = 0; r < kRows; ++r) add_product(sum[r], w, y[r * share.width + d]);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      parts[(slice.slice * kRows + r) * share.units + unit] = sum[r];
    }
  }
}

// What a token's input adds to a unit's gates, as it lies in memory: nothing waits for it yet.
struct Inputs {
  uint32 bits[4];
  int are_bf16;

  __device__ Inputs(const SlstmArgs& a, int64 token, int unit) : are_bf16(a.gates_are_bf16) {
    const int width = a.NH * a.DH;
    const int64 at = token * 2 * width + unit;
#pragma unroll
    for (int gate = 0; gate < 4; ++gate) {
      const void* const from = gate < 2 ? a.gates_if : a.gates_zo;
      const int64 index = at + gate % 2 * width;
      bits[gate] = are_bf16 != 0 ? static_cast<const uint16*>(from)[index]
                                 : static_cast<const uint32*>(from)[index];
    }
  }

  __device__ float4 floats() const {
    const int left = are_bf16 != 0 ? 16 : 0;
    return make_float4(__uint_as_float(bits[0] << left), __uint_as_float(bits[1] << left),
                       __uint_as_float(bits[2] << left), __uint_as_float(bits[3] << left));
  }
};

struct Unit {
  float c, n, m;

  // Moves on by one token; returns its output.
  __device__ float step(const float4& raw) {
    const float kept = m + log_sigmoid(raw.y);
    const float next = n == 0.0F ? raw.x : fmaxf(raw.x, kept);
    const float take = fminf(expf(raw.x - next), 1.0F), keep = fminf(expf(kept - next), 1.0F);
    c = keep * c + take * tanhf(raw.z);
    n = keep * n + take;
    m = next;
    return sigmoid_of(raw.w) * c / n;
  }
};

// Shared memory of a block.
template <typename W, int kRows>
struct Memory {
  int items;      // units of kRows sequences
  float4* parts;  // [slices][items]
  float* y;       // [2][kRows][width], of the last token and of the next
  float4* bias;   // [units]
  Unit* states;   // [items]
  Four<W>* R;     // [DH][units]

  __device__ Memory(float4* from, const Share& share, const Slice& slice)
      : items(kRows * share.units),
        parts(from),
        y(reinterpret_cast<float*>(parts + slice.slices * items)),
        bias(reinterpret_cast<float4*>(y + 2 * kRows * share.width)),
        states(reinterpret_cast<Unit*>(bias + share.units)),
        R(reinterpret_cast<Four<W>*>(reinterpret_cast<float4*>(states) + (3 * items + 3) / 4)) {}

  __device__ float* outputs(const Share& share, int t) const {
    return y + t % 2 * kRows * share.width;
  }

  // The block's part of the states and the biases.
  __device__ void read(const SlstmArgs& a, const Share& share) const {
    for (int at = threadIdx.x; at < 2 * kRows * share.width; at += kThreads) {
      const int r = at / share.width, d = at % share.width;
      const bool inside = r < share.rows && d < a.DH;
      y[at] = inside ? a.state_y[share.first_row + r][share.head * a.DH + d] : 0.0F;
    }
    for (int unit = threadIdx.x; unit < share.units; unit += kThreads) {
      const float* from = a.bias + share.head * 4 * a.DH + share.first_unit + unit;
      bias[unit] = make_float4(from[0], from[a.DH], from[2 * a.DH], from[3 * a.DH]);
    }
    for (int item = threadIdx.x; item < share.rows * share.units; item += kThreads) {
      const int b = share.first_row + item / share.units;
      const int at = share.at_state(a, item % share.units);
      states[item] = {a.state_c[b][at], a.state_n[b][at], a.state_m[b][at]};
    }
  }

  __device__ void write(const SlstmArgs& a, const Share& share) const {
    const float* const last = outputs(share, a.S);
    for (int item = threadIdx.x; item < share.rows * share.units; item += kThreads) {
      const int row = item / share.units, unit = item % share.units;
      const int b = share.first_row + row, at = share.at_state(a, unit);
      a.state_y[b][at] = last[row * share.width + share.first_unit + unit];
      a.state_c[b][at] = states[item].c;
      a.state_n[b][at] = states[item].n;
      a.state_m[b][at] = states[item].m;
    }
  }
};

// Where the block's R [DH][units] of its head begins; rows are a.DH apart.
template <typename W>
__device__ const Four<W>* weights_of(const SlstmArgs& a, const Share& share) {
  return static_cast<const Four<W>*>(a.R) + static_cast<int64>(share.head) * a.DH * a.DH +
         share.first_unit;
}

template <typename W, int kRows, bool kResident>
__device__ void scan(const SlstmArgs& a) {
  extern __shared__ float4 shared[];
  const Share share(a, kRows);
  const Slice slice(share.units, a.DH);
  const Memory<W, kRows> memory(shared, share, slice);
  const Four<W>* R = weights_of<W>(a, share);
  if (kResident) {
    for (int at = threadIdx.x; at < a.DH * share.units; at += kThreads) {
      memory.R[at] = R[static_cast<int64>(at / share.units) * a.DH + at % share.units];
    }
    R = memory.R;
  }
  memory.read(a, share);
  // Most threads have one item at most, whose place is found once.
  struct Place {
    int row, unit;
  };
  const int own = threadIdx.x, inside = share.rows * share.units;
  const Place own_place = {own / share.units, own % share.units};
  const auto place_of = [&](int item) {
    return item == own ? own_place : Place{item / share.units, item % share.units};
  };
  const auto token_of = [&](const Place& at, int t) {
    return static_cast<int64>(share.first_row + at.row) * a.S + t;
  };
  const auto input = [&](const Place& at, int t) {
    return Inputs(a, token_of(at, t), share.at_state(a, at.unit));
  };
  Inputs next_input = input(own < inside ? own_place : Place{0, 0}, 0);
  arrive_at_cluster();
  wait_for_cluster();  // all blocks run, and nobody reads the old outputs any more

  for (int t = 0; t < a.S; ++t) {
    float* const next = memory.outputs(share, t + 1) + share.first_unit;
    multiply<W, kRows>(R, kResident ? share.units : a.DH, memory.outputs(share, t), share, slice,
                       memory.parts);
    __syncthreads();
    for (int item = own; item < inside; item += kThreads) {
      const Place at = place_of(item);
      float4 raw = (item == own ? next_input : input(at, t)).floats();
      add_to(raw, memory.bias[at.unit]);
#pragma unroll 8
      for (int s = 0; s < slice.slices; ++s) add_to(raw, memory.parts[s * memory.items + item]);
      Unit state = memory.states[item];
      const float output = state.step(raw);
      memory.states[item] = state;
      float* const to = next + at.row * share.width + at.unit;
#pragma unroll 4
      for (int rank = 0; rank < a.blocks; ++rank) store_in_cluster(to, rank, output);
    }
    arrive_at_cluster();
    // Meanwhile what nobody waits for: an arrival would wait until it is written.
    for (int item = own; item < inside; item += kThreads) {
      const Place at = place_of(item);
      a.y[token_of(at, t) * a.NH * a.DH + share.at_state(a, at.unit)] =
          next[at.row * share.width + at.unit];
    }
    if (own < inside && t + 1 < a.S) next_input = input(own_place, t + 1);
    wait_for_cluster();
  }
  memory.write(a, share);
}

// R [NH, DH, 4, DH] with a unit's four gates beside each other: [NH, DH, DH, 4].
template <typename W>
__device__ void order_by_unit(const W* from, W* to, int DH, int64 count) {
  const int64 step = static_cast<int64>(gridDim.x) * blockDim.x;
  for (int64 at = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; at < count;
       at += step) {
    const int64 row = at / (4 * DH);
    const int gate = static_cast<int>(at % 4), unit = static_cast<int>(at / 4 % DH);
    to[at] = from[(row * 4 + gate) * DH + unit];
  }
}

}  // namespace

extern "C" {
#define XLSTM_SLSTM(W, name, kRows)                                                           \
  __global__ void __launch_bounds__(kThreads) slstm_scan_##name##_##kRows(SlstmArgs args) {   \
    scan<W, kRows, true>(args);                                                               \
  }                                                                                           \
  __global__ void __launch_bounds__(kThreads) slstm_stream_##name##_##kRows(SlstmArgs args) { \
    scan<W, kRows, false>(args);                                                              \
  }
XLSTM_SLSTM(float, f32, 1)
XLSTM_SLSTM(float, f32, 4)
XLSTM_SLSTM(float, f32, 8)
XLSTM_SLSTM(bf16, bf16, 1)
XLSTM_SLSTM(bf16, bf16, 4)
XLSTM_SLSTM(bf16, bf16, 8)

__global__ void slstm_order_f32(const float* from, float* to, int DH, int64 count) {
  order_by_unit(from, to, DH, count);
}
__global__ void slstm_order_bf16(const bf16* from, bf16* to, int DH, int64 count) {
  order_by_unit(from, to, DH, count);
}
}
