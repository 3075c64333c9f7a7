// Blocks that run at the same time and write to each other's shared memory: clusters, for compute
// capability 9.0 and newer. Before, each block is alone.
#pragma once

#include "xlstm/cuda/kernels/bulk_copy.cuh"

// Which block of its cluster this one is.
__device__ inline int rank_in_cluster() {
#if __CUDA_ARCH__ >= 900
  uint32 rank;
  asm volatile("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  return static_cast<int>(rank);
#else
  return 0;
#endif
}

// What this thread has written to any block's shared memory is seen behind wait_for_cluster() by
// all threads of the cluster, each of which comes by both.
__device__ inline void arrive_at_cluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
#endif
}
__device__ inline void wait_for_cluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
#else
  __syncthreads();
#endif
}

// *at = value in block `rank` of the cluster, `at` an address of this block's shared memory.
__device__ inline void store_in_cluster(float* at, int rank, float value) {
#if __CUDA_ARCH__ >= 900
  uint32 there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(shared_address(at)), "r"(rank));
  asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(there), "f"(value) : "memory");
#else
  *at = value;
#endif
}

// *at in block `rank` of the cluster, `at` an address of this block's shared memory.
__device__ inline float load_in_cluster(const float* at, int rank) {
#if __CUDA_ARCH__ >= 900
  uint32 there;
  float value;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(shared_address(at)), "r"(rank));
  asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(value) : "r"(there) : "memory");
  return value;
#else
  return *at;
#endif
}
