// Products of a warpgroup, four warps together, on tensor cores: sum [64, N] += a [64, 16] b [16,
// N] with a in registers and b [N, 16] in shared memory, as copies of tensors lay out rows of 128
// bytes. They run while the warps go on. For compute capability 9.0 alone.
//
// A lane has of `sum`, of each eight columns, the pair 2 (lane % 4) of rows lane / 4 and 8 + lane /
// 4 of its warp's 16, and of `a` the same pairs of columns: of both rows the first eight, then the
// others.
#pragma once

#include "xlstm/cuda/kernels/bulk_copy.cuh"

#ifdef __CUDA_ARCH_FEAT_SM90_ALL

// Rows of 128 bytes whose units of 16 change places by the row's number, eight rows after eight;
// `at` is a multiple of 1024, or as many bytes behind one as the columns' place in a row.
__device__ inline uint64 operand_at(const void* at) {
  constexpr uint64 kSwizzled = 1ULL << 62, kEightRows = static_cast<uint64>(1024 / 16) << 32;
  return kSwizzled | kEightRows | (1ULL << 16) | ((shared_address(at) & 0x3FFFFU) / 16);
}
// The same some bytes further on, a multiple of 16.
__device__ inline uint64 further(uint64 operand, int bytes) {
  return operand + static_cast<uint32>(bytes / 16);
}

// What this thread has written to registers may be read by the products that follow.
__device__ inline void let_products_read() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
// Products since the last call are a group.
__device__ inline void end_products() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
// Until at most the kLeft last groups are under way.
template <int kLeft>
__device__ inline void wait_for_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kLeft) : "memory");
}

#define XLSTM_FOUR(s, i) "+f"(s[i]), "+f"(s[(i) + 1]), "+f"(s[(i) + 2]), "+f"(s[(i) + 3])
#define XLSTM_EIGHT(s, i) XLSTM_FOUR(s, i), XLSTM_FOUR(s, (i) + 4)

__device__ inline void multiply_add(float (&s)[16], const uint32 (&a)[4], uint64 b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15}, "
      "{%16, %17, %18, %19}, %20, 1, 1, 1, 0;"
      : XLSTM_EIGHT(s, 0), XLSTM_EIGHT(s, 8)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}
__device__ inline void multiply_add(float (&s)[32], const uint32 (&a)[4], uint64 b) {
  asm volatile(
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
      "{%32, %33, %34, %35}, %36, 1, 1, 1, 0;"
      : XLSTM_EIGHT(s, 0), XLSTM_EIGHT(s, 8), XLSTM_EIGHT(s, 16), XLSTM_EIGHT(s, 24)
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

#undef XLSTM_FOUR
#undef XLSTM_EIGHT

#endif
