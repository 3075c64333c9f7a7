// Ops on one element after the other. `count`: elements of the result.
#include "xlstm/cuda/kernels/activations.cuh"
#include "xlstm/cuda/kernels/common.cuh"

namespace {

__device__ int64 first_element() {
  return static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ int64 all_threads() {
  return static_cast<int64>(gridDim.x) * blockDim.x;
}

template <typename To, typename From>
__device__ void cast(const From* x, To* y, int64 count) {
  for (int64 at = first_element(); at < count; at += all_threads()) {
    y[at] = from_float<To>(to_float(x[at]));
  }
}

template <typename A>
__device__ void add(const A* x, const A* y, A* out, int64 count) {
  for (int64 at = first_element(); at < count; at += all_threads()) {
    out[at] = from_float<A>(to_float(x[at]) + to_float(y[at]));
  }
}

// The S tokens of each sequence in the opposite order, rows of D.
template <typename A>
__device__ void reverse_tokens(const A* x, A* y, int64 S, int64 D, int64 count) {
  for (int64 at = first_element(); at < count; at += all_threads()) {
    const int64 t = at / D, s = t % S;
    y[at] = x[(t - s + S - 1 - s) * D + at % D];
  }
}

// y: as x, or of `width` elements that serve every row.
template <typename A>
__device__ void multiply(const A* x, const A* y, A* out, int64 count, int64 width) {
  for (int64 at = first_element(); at < count; at += all_threads()) {
    out[at] = from_float<A>(to_float(x[at]) * to_float(y[width > 0 ? at % width : at]));
  }
}

template <typename A>
__device__ void sigmoid(const A* x, A* out, int64 count) {
  for (int64 at = first_element(); at < count; at += all_threads()) {
    out[at] = from_float<A>(sigmoid_of(to_float(x[at])));
  }
}

template <typename A>
__device__ void soft_cap(const A* x, A* out, int64 count, float cap) {
  for (int64 at = first_element(); at < count; at += all_threads()) {
    out[at] = from_float<A>(cap * tanhf(to_float(x[at]) / cap));
  }
}

template <typename A>
__device__ void activate(const A* x, A* out, int64 count, int function) {
  for (int64 at = first_element(); at < count; at += all_threads()) {
    out[at] = from_float<A>(activated(to_float(x[at]), function));
  }
}

// gate_up [T, 2 * F] -> function(gate) * up, out [T, F].
template <typename A>
__device__ void gated(const A* gate_up, A* out, int F, int64 count, int function) {
  for (int64 at = first_element(); at < count; at += all_threads()) {
    const A* const gate = gate_up + at + at / F * F;
    out[at] = from_float<A>(activated(to_float(gate[0]), function) * to_float(gate[F]));
  }
}

// gate_up [T, 2 * F] -> out [T, F]. Grid: (T, blocks of columns).
template <typename A>
__device__ void swiglu(const A* gate_up, A* out, int F) {
  const int column = blockIdx.y * blockDim.x + threadIdx.x;
  if (column >= F) return;
  const A* row = gate_up + static_cast<int64>(blockIdx.x) * 2 * F;
  const float gate = to_float(row[column]), up = to_float(row[F + column]);
  out[static_cast<int64>(blockIdx.x) * F + column] = from_float<A>(gate * sigmoid_of(gate) * up);
}

__device__ uint32 swiglu_of(uint32 gates, uint32 ups) {
  const float low = bf16_low(gates), high = bf16_high(gates);
  return pack_bf16(low * sigmoid_of(low) * bf16_low(ups), high * sigmoid_of(high) * bf16_high(ups));
}

// The same, F = 8 units, of `count` units of the result.
__device__ void swiglu_units(const uint4* gate_up, uint4* out, uint32 units, uint32 count) {
  const uint32 at = blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= count) return;
  const uint4* const from = gate_up + static_cast<int64>(at / units) * 2 * units + at % units;
  const uint4 gate = load_once(from), up = load_once(from + units);
  out[at] = make_uint4(swiglu_of(gate.x, up.x), swiglu_of(gate.y, up.y), swiglu_of(gate.z, up.z),
                       swiglu_of(gate.w, up.w));
}

}  // namespace

extern "C" {
__global__ void swiglu_units_bf16(const uint4* gate_up, uint4* out, uint32 units, uint32 count) {
  swiglu_units(gate_up, out, units, count);
}
__global__ void cast_f32_bf16(const float* x, bf16* y, int64 count) {
  cast(x, y, count);
}
__global__ void cast_bf16_f32(const bf16* x, float* y, int64 count) {
  cast(x, y, count);
}
__global__ void cast_f16_f32(const f16* x, float* y, int64 count) {
  cast(x, y, count);
}

#define XLSTM_ELEMENTWISE(A, name)                                                            \
  __global__ void add_##name(const A* x, const A* y, A* out, int64 count) {                   \
    add(x, y, out, count);                                                                    \
  }                                                                                           \
  __global__ void multiply_##name(const A* x, const A* y, A* out, int64 count, int64 width) { \
    multiply(x, y, out, count, width);                                                        \
  }                                                                                           \
  __global__ void sigmoid_##name(const A* x, A* out, int64 count) {                           \
    sigmoid(x, out, count);                                                                   \
  }                                                                                           \
  __global__ void soft_cap_##name(const A* x, A* out, int64 count, float cap) {               \
    soft_cap(x, out, count, cap);                                                             \
  }                                                                                           \
  __global__ void reverse_tokens_##name(const A* x, A* y, int64 S, int64 D, int64 count) {    \
    reverse_tokens(x, y, S, D, count);                                                        \
  }                                                                                           \
  __global__ void activate_##name(const A* x, A* out, int64 count, int function) {            \
    activate(x, out, count, function);                                                        \
  }                                                                                           \
  __global__ void gated_##name(const A* x, A* out, int F, int64 count, int function) {        \
    gated(x, out, F, count, function);                                                        \
  }                                                                                           \
  __global__ void swiglu_##name(const A* gate_up, A* out, int F) {                            \
    swiglu(gate_up, out, F);                                                                  \
  }
XLSTM_ELEMENTWISE(float, f32)
XLSTM_ELEMENTWISE(bf16, bf16)
}
