// Copies from the GPU's memory to a block's shared memory that no thread waits for while they run,
// and, for compute capability 9.0 and newer, bulk ones and the barriers that tell of their end.
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

__device__ inline uint32 shared_address(const void* at) {
  return static_cast<uint32>(__cvta_generic_to_shared(at));
}
// 16 bytes by this thread, by way of the second cache; both addresses are multiples of 16.
__device__ inline void copy_piece(void* to, const void* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from)
               : "memory");
}
// Ends a group of this thread's pieces.
__device__ inline void end_group() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
// Until of this thread's groups at most the last `kLast` are under way.
template <int kLast>
__device__ inline void wait_for_groups() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLast) : "memory");
}

#if __CUDA_ARCH__ >= 900

// Of `arrivals` threads (a copy's bytes are told by expect_bytes()).
__device__ inline void barrier_init(uint64* barrier, int arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
               "r"(arrivals));
}
// After all barriers of a block are made, before a __syncthreads().
__device__ inline void barriers_made() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
// Those of a ring: a stage's `full` hears of the thread that copies, its `empty` of `readers`
// warps. By all threads of a block, and all know them afterwards.
__device__ inline void make_ring_barriers(uint64* full, uint64* empty, int stages, int readers) {
  if (threadIdx.x == 0) {
    for (int stage = 0; stage < stages; ++stage) {
      barrier_init(full + stage, 1);
      barrier_init(empty + stage, readers);
    }
    barriers_made();
  }
  __syncthreads();
}
// What this thread has done with shared memory, or knows by a barrier that others have, comes
// before copies into it that begin behind this: they go by a way of their own (the async proxy),
// which barriers alone do not order.
__device__ inline void end_before_copies() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
__device__ inline void barrier_arrive(uint64* barrier) {
  asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier))
               : "memory");
}
__device__ inline void barrier_expect(uint64* barrier, uint32 bytes) {
  asm volatile(
      "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
      "r"(bytes)
      : "memory");
}
// Until phase `parity` (0, 1, 0, ...) of the barrier is over.
__device__ inline void barrier_wait(uint64* barrier, uint32 parity) {
  asm volatile(
      "{\n"
      ".reg .pred done;\n"
      "again:\n"
      "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
      "@done bra over;\n"
      "bra again;\n"
      "over:\n"
      "}\n" ::"r"(shared_address(barrier)),
      "r"(parity)
      : "memory");
}
// `bytes`, and both addresses, are multiples of 16.
__device__ inline void bulk_copy(void* to, const void* from, uint32 bytes, uint64* barrier) {
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::
          "r"(shared_address(to)),
      "l"(from), "r"(bytes), "r"(shared_address(barrier))
      : "memory");
}

// The other way. What this thread does so since the last call of end_stores() is a group.
__device__ inline void bulk_store(void* to, const void* from, uint32 bytes) {
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to),
               "r"(shared_address(from)), "r"(bytes)
               : "memory");
}
__device__ inline void end_stores() {
  asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
// Until all groups but the last kLast have read what they store.
template <int kLast>
__device__ inline void wait_until_read() {
  asm volatile("cp.async.bulk.wait_group.read %0;" ::"n"(kLast) : "memory");
}
__device__ inline void wait_until_stored() {
  asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}

// A box of a matrix, as its map says, from column x (in bytes) and row y on.
__device__ inline void tensor_copy(void* to, const xlstm::cuda::TensorMap& map, int x, int y,
                                   uint64* barrier) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%2, %3}], [%4];" ::"r"(shared_address(to)),
      "l"(&map), "r"(x), "r"(y), "r"(shared_address(barrier))
      : "memory");
}

__device__ inline void tensor_copy(void* to, const xlstm::cuda::TensorMap& map, int x, int y, int z,
                                   uint64* barrier) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%2, %3, %4}], [%5];" ::"r"(shared_address(to)),
      "l"(&map), "r"(x), "r"(y), "r"(z), "r"(shared_address(barrier))
      : "memory");
}

// A group of four warps leaves registers, as many as leave it `kCount` a thread, to those that wait
// for some.
template <int kCount>
__device__ inline void leave_registers() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kCount));
#endif
}
template <int kCount>
__device__ inline void take_registers() {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kCount));
#endif
}

#endif

// Of the threads [0, count) of a block, a multiple of a warp.
template <int kCount>
__device__ inline void sync_first() {
  asm volatile("bar.sync 1, %0;" ::"n"(kCount) : "memory");
}
