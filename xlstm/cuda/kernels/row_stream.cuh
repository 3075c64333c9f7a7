// What products of one row of x share whose weights come through a ring of shared memory: x in
// registers, normed, and sums over threads. Of kBlock threads that compute (one more warp copies)
// each has kChunks times kChunk neighbouring columns.
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/bulk_copy.cuh"
#include "xlstm/cuda/kernels/eights.cuh"

using xlstm::cuda::RowProductArgs;
using xlstm::cuda::StreamArgs;

constexpr int kMostStages = 16;

template <typename T, int kChunk>
__device__ void read_chunk(const T* from, float (&x)[kChunk]) {
#pragma unroll
  for (int i = 0; i < kChunk; i += 8) read_eight(from + i, x + i);
}

// Mean and sum of squared deviations of the warp's numbers, kChunk a lane.
template <int kChunk>
__device__ void warp_statistics(const float (&x)[kChunk], float& mean, float& squares) {
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kChunk; ++i) sum += x[i];
  mean = warp_sum(sum) / (kChunk * kWarp);
  squares = 0;
#pragma unroll
  for (int i = 0; i < kChunk; ++i) squares += (x[i] - mean) * (x[i] - mean);
  squares = warp_sum(squares);
}

// x = sigmoid(out_gate) * layer norm of each head, whose width is a multiple of a warp's columns.
// Statistics of its parts are joined (Chan et al. 1979).
template <typename A, int kBlock, int kChunks, int kChunk>
__device__ void norm_heads(const RowProductArgs& a, float (&x)[kChunks][kChunk],
                           const float (&gate)[kChunks][kChunk], float* scratch) {
  constexpr int kPart = kChunk * kWarp, kWarps = kBlock / kWarp;
  const int warp = threadIdx.x / kWarp, width = a.K / a.NH, parts = width / kPart;
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
    float mean, squares;
    warp_statistics(x[j], mean, squares);
    if (threadIdx.x % kWarp == 0) {
      scratch[2 * (j * kWarps + warp)] = mean;
      scratch[2 * (j * kWarps + warp) + 1] = squares;
    }
  }
  sync_first<kBlock>();
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
    const int at = (j * kBlock + threadIdx.x) * kChunk;
    if (at >= a.K) continue;
    const float* const of_head = scratch + 2 * (at / width * parts);
    float mean = 0, squares = 0;
    for (int part = 0; part < parts; ++part) mean += of_head[2 * part] / parts;
    for (int part = 0; part < parts; ++part) {
      const float apart = of_head[2 * part] - mean;
      squares += of_head[2 * part + 1] + kPart * apart * apart;
    }
    const float r = 1.0F / sqrtf(squares / width + a.eps);
    float weight[kChunk], bias[kChunk] = {};
    read_chunk(a.norm_weight + at, weight);
    if (a.norm_bias != nullptr) read_chunk(a.norm_bias + at, bias);
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
      const float normed = (x[j][i] - mean) * r * weight[i] + bias[i];
      x[j][i] = to_float(from_float<A>(normed * sigmoid_of(gate[j][i])));
    }
  }
}

// x = x / sqrt(mean(x^2) + eps) * weight (+ bias); `ahead`: weights that were read before.
template <typename A, int kBlock, bool kAhead, int kChunks, int kChunk>
__device__ void norm_row(const RowProductArgs& a, float (&x)[kChunks][kChunk],
                         const float (&ahead)[kChunks][kChunk], float* scratch) {
  float squares = 0;
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
#pragma unroll
    for (int i = 0; i < kChunk; ++i) squares += x[j][i] * x[j][i];
  }
  squares = warp_sum(squares);
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = squares;
  sync_first<kBlock>();
  float all = 0;
#pragma unroll
  for (int warp = 0; warp < kBlock / kWarp; ++warp) all += scratch[warp];
  const float r = 1.0F / sqrtf(all / a.K + a.eps);
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
    const int at = (j * kBlock + threadIdx.x) * kChunk;
    if (at >= a.K) continue;
    float late[kChunk], bias[kChunk] = {};
    if (!kAhead) read_chunk(a.norm_weight + at, late);
    if (a.norm_bias != nullptr) read_chunk(a.norm_bias + at, bias);
#pragma unroll
    for (int i = 0; i < kChunk; ++i) {
      const float weight = kAhead ? ahead[j][i] : late[i];
      x[j][i] = to_float(from_float<A>(x[j][i] * r * weight + bias[i]));
    }
  }
}

// This thread's columns of x, normed; 0 past the end. `scratch`: two floats for each part of a
// warp.
template <typename A, int kBlock, int kChunks, int kChunk>
__device__ void read_x(const RowProductArgs& a, float (&x)[kChunks][kChunk], float* scratch) {
  // More chunks would not leave registers for the rest.
  constexpr bool kAhead = kChunks * kChunk <= 16, kHeads = kAhead;
  float other[kChunks][kChunk] = {};  // weights of the norm, or the output gate
  if (kAhead && a.norm_weight != nullptr && a.out_gate == nullptr) {
#pragma unroll
    for (int j = 0; j < kChunks; ++j) {
      const int at = (j * kBlock + threadIdx.x) * kChunk;
      if (at < a.K) read_chunk(a.norm_weight + at, other[j]);
    }
  }
  wait_for_kernel_before();
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
    const int at = (j * kBlock + threadIdx.x) * kChunk;
#pragma unroll
    for (int i = 0; i < kChunk; ++i) x[j][i] = 0;
    if (at >= a.K) continue;
    if (kHeads && a.out_gate != nullptr) {
      read_chunk(static_cast<const float*>(a.x) + at, x[j]);
      read_chunk(static_cast<const A*>(a.out_gate) + at, other[j]);
    } else {
      read_chunk(static_cast<const A*>(a.x) + at, x[j]);
    }
  }
  if (kHeads && a.out_gate != nullptr) {
    norm_heads<A, kBlock>(a, x, other, scratch);
  } else if (a.norm_weight != nullptr) {
    norm_row<A, kBlock, kAhead>(a, x, other, scratch);
  }
}

// Lane 4 i + (0 to 3) gets the warp's sum of x[i]: at each step half of the values go to the half
// of the lanes that goes on with them.
__device__ inline float sum_of_eight(const float (&x)[8]) {
  const int lane = threadIdx.x % kWarp;
  float four[4], two[2];
  const bool upper = (lane & 16) != 0, odd_pair = (lane & 8) != 0, odd = (lane & 4) != 0;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    four[i] = (upper ? x[i + 4] : x[i]) + __shfl_xor_sync(~0U, upper ? x[i] : x[i + 4], 16);
  }
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    two[i] = (odd_pair ? four[i + 2] : four[i]) +
             __shfl_xor_sync(~0U, odd_pair ? four[i] : four[i + 2], 8);
  }
  float one = (odd ? two[1] : two[0]) + __shfl_xor_sync(~0U, odd ? two[0] : two[1], 4);
  one += __shfl_xor_sync(~0U, one, 2);
  return one + __shfl_xor_sync(~0U, one, 1);
}
