// metal_math, metal_common, metal_integer, numeric_limits: see ../shim/math.h.
#pragma once

#include "../shim/constants.h"
#include "words.h"

namespace metal {

#define MSL_SINGLES(declare) declare(float) declare(float2) declare(float3) declare(float4)
#define MSL_FLOATS(declare) \
  MSL_SINGLES(declare) declare(half) declare(half2) declare(half3) declare(half4)
#define MSL_INTEGERS(declare) \
  declare(short) declare(ushort) declare(int) declare(uint) declare(long) declare(ulong)

#define MSL_ONE(T)                                                                           \
  T exp(T), exp2(T), exp10(T), log(T), log2(T), log10(T), sqrt(T), rsqrt(T), sin(T), cos(T), \
      tanh(T), fabs(T), floor(T), ceil(T), trunc(T), round(T), rint(T);
#define MSL_TWO(T) \
  T fmax(T, T), fmin(T, T), fmod(T, T), pow(T, T), copysign(T, T), max(T, T), min(T, T);
#define MSL_ORDERED(T) T max(T, T), min(T, T);
MSL_FLOATS(MSL_ONE)
MSL_FLOATS(MSL_TWO)
MSL_INTEGERS(MSL_ORDERED)
namespace precise {
MSL_SINGLES(MSL_ONE)
MSL_SINGLES(MSL_TWO)
}  // namespace precise
namespace fast {
MSL_SINGLES(MSL_ONE)
MSL_SINGLES(MSL_TWO)
}  // namespace fast
#define MSL_OTHERS(T) T abs(T), fma(T, T, T);
MSL_FLOATS(MSL_OTHERS)
int abs(int);
template <typename T>
T clamp(T, T, T);
template <typename T>
T mix(T, T, T);
float saturate(float), sign(float);
template <typename T>
T select(T, T, bool);
bool isnan(float), isinf(float), isfinite(float);
float dot(float2, float2), dot(float3, float3), dot(float4, float4);
half dot(half2, half2), dot(half3, half3), dot(half4, half4);
uint popcount(uint), clz(uint), ctz(uint);
template <typename To, typename From>
To as_type(From);

template <typename T>
struct numeric_limits {
  static constexpr T max();
  static constexpr T min();
  static constexpr T lowest();
  static constexpr T epsilon();
  static constexpr T infinity();
  static constexpr T quiet_NaN();
};

template <typename A, typename B>
constexpr constant bool is_same_v = false;
template <typename A>
constexpr constant bool is_same_v<A, A> = true;

}  // namespace metal

using metal::as_type;
