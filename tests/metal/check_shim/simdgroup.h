// metal_simdgroup, metal_compute and metal_simdgroup_matrix: see ../shim/simdgroup.h,
// ../shim/simdgroup_matrix.h.
#pragma once

#include "math.h"

namespace metal {

#define MSL_REDUCTIONS(name) \
  template <typename T>      \
  T name(T);
MSL_REDUCTIONS(simd_sum)
MSL_REDUCTIONS(simd_product)
MSL_REDUCTIONS(simd_max)
MSL_REDUCTIONS(simd_min)
MSL_REDUCTIONS(simd_prefix_inclusive_sum)
MSL_REDUCTIONS(simd_prefix_exclusive_sum)
#define MSL_SHUFFLES(name) \
  template <typename T>    \
  T name(T, ushort);
MSL_SHUFFLES(simd_shuffle)
MSL_SHUFFLES(simd_broadcast)
MSL_SHUFFLES(simd_shuffle_xor)
MSL_SHUFFLES(simd_shuffle_down)
MSL_SHUFFLES(simd_shuffle_up)
bool simd_all(bool);
bool simd_any(bool);

enum class mem_flags : uint { mem_none = 0, mem_device = 1, mem_threadgroup = 2 };
mem_flags operator|(mem_flags, mem_flags);
void threadgroup_barrier(mem_flags);
void simdgroup_barrier(mem_flags);

// Clang copies no class by itself where there is no generic address space, and none at all from a
// value that a function returns: what make_filled_simdgroup_matrix gives is therefore a pointer
// here.
template <typename T, int Cols, int Rows>
struct filled_matrix;
template <typename T, int Cols, int Rows>
struct simdgroup_matrix {
  static_assert(Cols == 8 && Rows == 8, "Metal 3.1 has matrices of 8 x 8");
  simdgroup_matrix();
  explicit simdgroup_matrix(T);
  simdgroup_matrix(const thread simdgroup_matrix&);
  thread simdgroup_matrix& operator=(const thread simdgroup_matrix&) thread;
  simdgroup_matrix(thread filled_matrix<T, Cols, Rows>*);
  thread simdgroup_matrix& operator=(thread filled_matrix<T, Cols, Rows>*) thread;
  thread vec<T, 2>& thread_elements() thread;
  const thread vec<T, 2>& thread_elements() const thread;
};
using simdgroup_float8x8 = simdgroup_matrix<float, 8, 8>;
using simdgroup_half8x8 = simdgroup_matrix<half, 8, 8>;
using simdgroup_bfloat8x8 = simdgroup_matrix<bfloat, 8, 8>;

template <typename T, int Cols, int Rows>
thread filled_matrix<T, Cols, Rows>* make_filled_simdgroup_matrix(T);
#define simdgroup_float8x8(...) metal::make_filled_simdgroup_matrix<float, 8, 8>(__VA_ARGS__)
#define simdgroup_half8x8(...) metal::make_filled_simdgroup_matrix<half, 8, 8>(__VA_ARGS__)
#define simdgroup_bfloat8x8(...) metal::make_filled_simdgroup_matrix<half, 8, 8>(__VA_ARGS__)

#define MSL_MATRIX_MEMORY(space)                                                                 \
  template <typename T>                                                                          \
  void simdgroup_load(thread simdgroup_matrix<T, 8, 8>&, const space T*, ulong = 8, ulong2 = 0,  \
                      bool = false);                                                             \
  template <typename T>                                                                          \
  void simdgroup_store(const thread simdgroup_matrix<T, 8, 8>&, space T*, ulong = 8, ulong2 = 0, \
                       bool = false);
MSL_MATRIX_MEMORY(device)
MSL_MATRIX_MEMORY(threadgroup)

template <typename T, typename A, typename B>
void simdgroup_multiply_accumulate(thread simdgroup_matrix<T, 8, 8>&,
                                   const thread simdgroup_matrix<A, 8, 8>&,
                                   const thread simdgroup_matrix<B, 8, 8>&,
                                   const thread simdgroup_matrix<T, 8, 8>&);
template <typename T, typename A, typename B>
void simdgroup_multiply(thread simdgroup_matrix<T, 8, 8>&, const thread simdgroup_matrix<A, 8, 8>&,
                        const thread simdgroup_matrix<B, 8, 8>&);

}  // namespace metal
