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

#define MSL_ATOMIC_IN(space, name) \
  template <typename T>            \
  T name(volatile space atomic<T>*, T, memory_order);
#define MSL_ATOMIC(name)      \
  MSL_ATOMIC_IN(device, name) \
  MSL_ATOMIC_IN(threadgroup, name)
MSL_ATOMIC(atomic_exchange_explicit)
MSL_ATOMIC(atomic_fetch_add_explicit)
MSL_ATOMIC(atomic_fetch_sub_explicit)
MSL_ATOMIC(atomic_fetch_max_explicit)
MSL_ATOMIC(atomic_fetch_min_explicit)
#define MSL_ATOMIC_MEMORY(space)                                          \
  template <typename T>                                                   \
  void atomic_store_explicit(volatile space atomic<T>*, T, memory_order); \
  template <typename T>                                                   \
  T atomic_load_explicit(const volatile space atomic<T>*, memory_order);
MSL_ATOMIC_MEMORY(device)
MSL_ATOMIC_MEMORY(threadgroup)

}  // namespace metal
