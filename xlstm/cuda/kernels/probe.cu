// What a GPU's memory gives: a pass over numbers that are read once, and numbers to measure with.
#include "xlstm/cuda/kernels/common.cuh"

extern "C" {
// Reads count 16-byte pieces; `out` [1] gets something only so that they must be read.
__global__ void __launch_bounds__(256) probe_read(const uint4* from, int64 count, uint32* out) {
  const int64 step = static_cast<int64>(gridDim.x) * blockDim.x;
  uint32 all = 0;
#pragma unroll 8
  for (int64 at = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; at < count;
       at += step) {
    const uint4 x = load_once(from + at);
    all |= x.x ^ x.y ^ x.z ^ x.w;
  }
  if (all == 0x12345678U) *out = all;
}

// Pairs of bfloat16 between 1/2 and 1 of both signs, without order: products of zeros or of equal
// numbers take less power, and a GPU runs faster.
__global__ void probe_fill(uint32* to, int64 count) {
  const int64 step = static_cast<int64>(gridDim.x) * blockDim.x;
  for (int64 at = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; at < count;
       at += step) {
    uint32 x = static_cast<uint32>(at) * 2654435761U;
    x = (x ^ (x >> 15)) * 2246822519U;
    to[at] = 0x3F003F00U | ((x ^ (x >> 13)) & 0x807F807FU);
  }
}
}
