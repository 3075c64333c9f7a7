// Tiles of bfloat16 in shared memory, copies into them that pass by the registers, and products of
// them on tensor cores with sums in float32. For compute capability 8.0 and newer.
//
// A tile's rows are whole numbers of eight units of 16 bytes. Units of a row change places by the
// row's number, so that neither a row nor eight rows' units of one column meet in a bank.
#pragma once

#include "xlstm/cuda/kernels/bulk_copy.cuh"
#include "xlstm/cuda/kernels/multiply.cuh"

// In bytes from the start of a tile with rows of `units`.
__device__ inline uint32 unit_offset(int row, int unit, int units) {
  return static_cast<uint32>(row * units + (unit ^ (row & 7))) * 16;
}

// A unit, of zeros unless it is `there`; both addresses are multiples of 16.
__device__ inline void copy_unit(uint32 to, const void* from, bool there) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from),
               "r"(there ? 16 : 0)
               : "memory");
}
// Four matrices of 8 x 8, at rows whose addresses the lanes give: lane 8 i + r that of row r of
// matrix i. A lane gets of each the pair 2 (lane % 4) of row lane / 4; transposed: of column
// lane / 4.
__device__ inline void load_matrices(uint32 (&x)[4], uint32 row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"(row));
}
__device__ inline void load_transposed(uint32 (&x)[4], uint32 row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
               : "r"(row));
}

// sum [16, 8] += a [16, 16] b [16, 8]. A lane has of `sum` the pairs 2 (lane % 4) of rows lane / 4
// and 8 + lane / 4.
__device__ inline void multiply_add(float (&sum)[4], const uint32 (&a)[4], uint32 b0, uint32 b1) {
  multiply(sum, a[0], a[1], a[2], a[3], b0, b1);
}

// Sum over the four lanes that have one row of a product.
__device__ inline float sum_of_row(float x) {
  x += __shfl_xor_sync(~0U, x, 1);
  return x + __shfl_xor_sync(~0U, x, 2);
}
