// What the kernels share: element types, reductions, and the order of kernels on a stream. No
// header of CUDA's is included, so that nvcc and NVRTC compile the same text wherever they lie.
#pragma once

typedef unsigned char uint8;
typedef unsigned short uint16;
typedef unsigned int uint32;
typedef unsigned long long uint64;
typedef long long int64;

struct bf16 {
  uint16 bits;
};
struct f16 {
  uint16 bits;
};

constexpr int kWarp = 32;
constexpr float kLowest = -3.402823466e38F;

__device__ inline float to_float(float x) {
  return x;
}
__device__ inline float to_float(bf16 x) {
  return __uint_as_float(static_cast<uint32>(x.bits) << 16);
}
__device__ inline float to_float(f16 x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
}

// Two bfloat16, rounded to nearest even; `low` in the lower half.
__device__ inline uint32 pack_bf16(float low, float high) {
  uint32 bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}

template <typename T>
__device__ T from_float(float x);
template <>
__device__ inline float from_float<float>(float x) {
  return x;
}
template <>
__device__ inline bf16 from_float<bf16>(float x) {
  return {static_cast<uint16>(pack_bf16(x, 0.0F))};
}

__device__ inline float bf16_low(uint32 pair) {
  return __uint_as_float(pair << 16);
}
__device__ inline float bf16_high(uint32 pair) {
  return __uint_as_float(pair & 0xFFFF0000U);
}
__device__ inline float f16_low(uint32 pair) {
  return to_float(f16{static_cast<uint16>(pair)});
}
__device__ inline float f16_high(uint32 pair) {
  return to_float(f16{static_cast<uint16>(pair >> 16)});
}

// 16 bytes that are read once: they pass by the first cache.
__device__ inline uint4 load_once(const void* at) {
  uint4 x;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(x.x), "=r"(x.y), "=r"(x.z), "=r"(x.w)
               : "l"(at));
  return x;
}

__device__ inline float sigmoid_of(float x) {
  return 1.0F / (1.0F + expf(-x));
}
// log(sigmoid(x)), right in both tails.
__device__ inline float log_sigmoid(float x) {
  return fminf(x, 0.0F) - log1pf(expf(-fabsf(x)));
}

__device__ inline float warp_sum(float x) {
#pragma unroll
  for (int lanes = kWarp / 2; lanes > 0; lanes /= 2) x += __shfl_xor_sync(~0U, x, lanes);
  return x;
}

// The sum of all threads' x, in every thread; `scratch`: a float of shared memory for each warp.
__device__ inline float block_sum(float x, float* scratch) {
  x = warp_sum(x);
  const int warps = (blockDim.x + kWarp - 1) / kWarp;
  __syncthreads();
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = x;
  __syncthreads();
  float sum = 0;
  for (int warp = 0; warp < warps; ++warp) sum += scratch[warp];
  return sum;
}

// Programmatic dependent launch: a kernel launched with it starts while those before it still run,
// and waits here before it reads what they wrote or writes anything. The next kernel is let in
// first, so that it fetches what nobody writes meanwhile: let in after the wait, it came too late
// to gain anything (H200: 27.2 us against 25.1 for a product of 101 MB).
__device__ inline void wait_for_kernel_before() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
