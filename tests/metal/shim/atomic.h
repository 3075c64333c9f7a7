// metal_atomic: relaxed operations on what MLX gives as atomic outputs, and on threadgroup atomics.
#pragma once

#include "simdgroup.h"

namespace metal {

enum memory_order { memory_order_relaxed };

template <typename T>
struct atomic {
  static_assert(is_same_v<T, int> || is_same_v<T, uint> || is_same_v<T, float>,
                "of int, uint or float");
  T value;
};
using atomic_int = atomic<int>;
using atomic_uint = atomic<uint>;
using atomic_float = atomic<float>;

}  // namespace metal

namespace msl {

// All threads of the emulator run in turn: an operation only has to be told of.
MSL_QUIET inline void tell_atomic(const void* object, ulong bytes, AccessKind kind = kAtomic) {
#ifdef MSL_CHECKED
  runtime->access(runtime->self, object, bytes, kind, __builtin_return_address(0));
#else
  (void)object, (void)bytes, (void)kind;
#endif
}
template <typename T, typename F>
MSL_QUIET T exchange_atomic(metal::atomic<T>* object, F next) {
  const T before = object->value;
  object->value = next(before);
  return before;
}

}  // namespace msl

namespace metal {

#define MSL_ATOMIC(name, with_floats, expression)                                    \
  template <typename T>                                                              \
  METAL_FUNC T name(atomic<T>* object, T operand, memory_order) {                    \
    static_assert(with_floats || !is_same_v<T, float>, #name " is one of integers"); \
    msl::tell_atomic(object, sizeof *object);                                        \
    return msl::exchange_atomic(object, [operand](T before) {                        \
      (void)before;                                                                  \
      return T(expression);                                                          \
    });                                                                              \
  }
MSL_ATOMIC(atomic_exchange_explicit, true, operand)
MSL_ATOMIC(atomic_fetch_add_explicit, true, before + operand)
MSL_ATOMIC(atomic_fetch_sub_explicit, true, before - operand)
MSL_ATOMIC(atomic_fetch_max_explicit, false, before > operand ? before : operand)
MSL_ATOMIC(atomic_fetch_min_explicit, false, before < operand ? before : operand)

template <typename T>
METAL_FUNC void atomic_store_explicit(atomic<T>* object, T value, memory_order) {
  msl::tell_atomic(object, sizeof *object, msl::kAtomicStore);
  msl::exchange_atomic(object, [value](T) { return value; });
}
template <typename T>
METAL_FUNC T atomic_load_explicit(const atomic<T>* object, memory_order) {
  msl::tell_atomic(object, sizeof *object);
  return msl::exchange_atomic(const_cast<atomic<T>*>(object), [](T before) { return before; });
}

}  // namespace metal
