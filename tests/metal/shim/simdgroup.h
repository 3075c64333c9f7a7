// metal_simdgroup and metal_compute: exchange between the lanes of a SIMD group, and barriers. All
// live lanes of a SIMD group have to come to the same call, which is stricter than Metal: there a
// call under a branch that some lanes do not take is one of the others.
#pragma once

#include "math.h"

namespace msl {

template <typename T>
constexpr bool can_cross_lanes = is_integer<T>;
template <>
inline constexpr bool can_cross_lanes<bool> = false;
template <>
inline constexpr bool can_cross_lanes<float> = true;
template <>
inline constexpr bool can_cross_lanes<half> = true;
template <typename T, int N>
constexpr bool can_cross_lanes<metal::vec<T, N>> = can_cross_lanes<T>;

template <typename T>
MSL_QUIET const Lanes* exchange(T value, const Site& site) {
  static_assert(sizeof(T) <= Lanes::kBytes, "one exchange holds 64 bytes a lane");
  return runtime->exchange(runtime->self, &value, sizeof value, site);
}
template <typename T>
MSL_QUIET T lane_value(const Lanes* lanes, uint lane, const Site& site) {
  if (lane >= 32 || (lanes->active >> lane & 1) == 0)
    runtime->fail(runtime->self, "it asks for the value of a lane that is not there", site);
  T value;
  __builtin_memcpy(&value, lanes->values[lane & 31], sizeof value);
  return value;
}
// Over the active lanes with fewer than `end`, in their order.
template <typename T, typename F>
MSL_QUIET T fold(const Lanes* lanes, uint end, T first, bool has_first, F join, const Site& site) {
  for (uint lane = 0; lane < end; ++lane) {
    if ((lanes->active >> lane & 1) == 0) continue;
    const T value = lane_value<T>(lanes, lane, site);
    first = has_first ? join(first, value) : value;
    has_first = true;
  }
  return first;
}
MSL_QUIET inline uint own_lane() {
  return runtime->lane(runtime->self);
}

}  // namespace msl

namespace metal {

#define MSL_REDUCTION(name, expression)                                         \
  template <typename T>                                                         \
  METAL_FUNC T name(T value, MSL_HERE) {                                        \
    const msl::Site site = MSL_SITE(#name);                                     \
    static_assert(msl::can_cross_lanes<T>,                                      \
                  #name " takes integers, float, half, and vectors of them");   \
    const auto join = [](T a, T b) { return T(expression); };                   \
    return msl::fold(msl::exchange(value, site), 32, value, false, join, site); \
  }
MSL_REDUCTION(simd_sum, a + b)
MSL_REDUCTION(simd_product, a* b)
MSL_REDUCTION(simd_max, max(a, b))
MSL_REDUCTION(simd_min, min(a, b))

template <typename T>
METAL_FUNC T simd_prefix_inclusive_sum(T value, MSL_HERE) {
  const msl::Site site = MSL_SITE("simd_prefix_inclusive_sum");
  const auto join = [](T a, T b) { return T(a + b); };
  return msl::fold(msl::exchange(value, site), msl::own_lane() + 1, value, false, join, site);
}
template <typename T>
METAL_FUNC T simd_prefix_exclusive_sum(T value, MSL_HERE) {
  const msl::Site site = MSL_SITE("simd_prefix_exclusive_sum");
  const auto join = [](T a, T b) { return T(a + b); };
  return msl::fold(msl::exchange(value, site), msl::own_lane(), T(0), true, join, site);
}

#define MSL_SHUFFLE(name, from)                                               \
  template <typename T>                                                       \
  METAL_FUNC T name(T value, ushort n, MSL_HERE) {                            \
    const msl::Site site = MSL_SITE(#name);                                   \
    static_assert(msl::can_cross_lanes<T>,                                    \
                  #name " takes integers, float, half, and vectors of them"); \
    const msl::Lanes* lanes = msl::exchange(value, site);                     \
    const uint lane = msl::own_lane();                                        \
    return msl::lane_value<T>(lanes, from, site);                             \
  }
MSL_SHUFFLE(simd_shuffle, n)
MSL_SHUFFLE(simd_broadcast, n)
MSL_SHUFFLE(simd_shuffle_xor, (lane ^ n))
// Lanes without a partner keep their own value.
MSL_SHUFFLE(simd_shuffle_down, (lane + n < 32 ? lane + n : lane))
MSL_SHUFFLE(simd_shuffle_up, (lane >= n ? lane - n : lane))

METAL_FUNC bool simd_all(bool value, MSL_HERE) {
  const msl::Site site = MSL_SITE("simd_all");
  const auto join = [](int a, int b) { return a & b; };
  return msl::fold(msl::exchange(int(value), site), 32, 1, true, join, site) != 0;
}
METAL_FUNC bool simd_any(bool value, MSL_HERE) {
  const msl::Site site = MSL_SITE("simd_any");
  const auto join = [](int a, int b) { return a | b; };
  return msl::fold(msl::exchange(int(value), site), 32, 0, true, join, site) != 0;
}

enum class mem_flags : uint {
  mem_none = msl::kNoSpace,
  mem_device = msl::kDeviceSpace,
  mem_threadgroup = msl::kThreadgroupSpace
};
METAL_FUNC mem_flags operator|(mem_flags a, mem_flags b) {
  return mem_flags(uint(a) | uint(b));
}

METAL_FUNC void threadgroup_barrier(mem_flags flags, MSL_HERE) {
  const msl::Site site = MSL_SITE("threadgroup_barrier");
  msl::runtime->threadgroup_barrier(msl::runtime->self, uint(flags), site);
}
METAL_FUNC void simdgroup_barrier(mem_flags flags, MSL_HERE) {
  const msl::Site site = MSL_SITE("simdgroup_barrier");
  msl::runtime->simdgroup_barrier(msl::runtime->self, uint(flags), site);
}

}  // namespace metal
