// metal_atomic: see ../shim/atomic.h. The names are OpenCL's as well.
#pragma once

#include "words.h"

#define memory_order msl_memory_order
#define memory_order_relaxed msl_memory_order_relaxed
#define atomic_int metal::atomic<int>
#define atomic_uint metal::atomic<uint>
#define atomic_float metal::atomic<float>

namespace metal {

enum memory_order { memory_order_relaxed };

template <typename T>
struct atomic {
  T value;
};

// Floats are atomic in memory of the device only, and have no least and largest.
#define MSL_ATOMIC(space, T, name) T name(volatile space atomic<T>*, T, memory_order);
#define MSL_ATOMIC_MEMORY(space, T)                                       \
  void atomic_store_explicit(volatile space atomic<T>*, T, memory_order); \
  T atomic_load_explicit(const volatile space atomic<T>*, memory_order);  \
  MSL_ATOMIC(space, T, atomic_exchange_explicit)                          \
  MSL_ATOMIC(space, T, atomic_fetch_add_explicit)                         \
  MSL_ATOMIC(space, T, atomic_fetch_sub_explicit)
#define MSL_ATOMIC_ORDER(space, T)                \
  MSL_ATOMIC(space, T, atomic_fetch_max_explicit) \
  MSL_ATOMIC(space, T, atomic_fetch_min_explicit)
#define MSL_ATOMIC_INTEGERS(space) \
  MSL_ATOMIC_MEMORY(space, int)    \
  MSL_ATOMIC_MEMORY(space, uint)   \
  MSL_ATOMIC_ORDER(space, int)     \
  MSL_ATOMIC_ORDER(space, uint)
MSL_ATOMIC_INTEGERS(device)
MSL_ATOMIC_INTEGERS(threadgroup)
MSL_ATOMIC_MEMORY(device, float)

}  // namespace metal
