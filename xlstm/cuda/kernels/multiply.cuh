// One product of tensor cores by a warp, for compute capability 8.0 and newer.
#pragma once

#include "xlstm/cuda/kernels/common.cuh"

// d [16, 8] += a [16, 16] b [16, 8], a and b bfloat16. Lane 4 g + q has of a the pairs 2 q and
// 8 + 2 q of row g (a0, a2) and of row g + 8 (a1, a3), of b these pairs of column g, and of d the
// pairs 2 q of rows g and g + 8.
__device__ inline void multiply(float (&d)[4], uint32 a0, uint32 a1, uint32 a2, uint32 a3,
                                uint32 b0, uint32 b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
