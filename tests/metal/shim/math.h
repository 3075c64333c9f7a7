// metal_math, metal_common, metal_integer and numeric_limits, as far as they are in the
// specification of Metal 3.1 and kernels here use them. No log1p, expm1, erf: Metal's library lacks
// them.
#pragma once

#include "constants.h"
#include "vectors.h"

namespace metal {

// One argument and a result of its type. A bfloat becomes a float.
#define MSL_FLOAT_FUNCTION(name, expression)       \
  METAL_FUNC float name(float x) {                 \
    return expression;                             \
  }                                                \
  template <int N>                                 \
  METAL_FUNC vec<float, N> name(vec<float, N> v) { \
    for (int i = 0; i < N; ++i) v[i] = name(v[i]); \
    return v;                                      \
  }
#define MSL_HALF_FUNCTION(name, expression)        \
  METAL_FUNC half name(half x) {                   \
    return half(name(float(x)));                   \
  }                                                \
  template <int N>                                 \
  METAL_FUNC vec<half, N> name(vec<half, N> v) {   \
    for (int i = 0; i < N; ++i) v[i] = name(v[i]); \
    return v;                                      \
  }
#define MSL_FUNCTIONS(FUNCTION)              \
  FUNCTION(exp, __builtin_expf(x))           \
  FUNCTION(exp2, __builtin_exp2f(x))         \
  FUNCTION(exp10, __builtin_powf(10.0f, x))  \
  FUNCTION(log, __builtin_logf(x))           \
  FUNCTION(log2, __builtin_log2f(x))         \
  FUNCTION(log10, __builtin_log10f(x))       \
  FUNCTION(sqrt, __builtin_sqrtf(x))         \
  FUNCTION(rsqrt, 1.0f / __builtin_sqrtf(x)) \
  FUNCTION(sin, __builtin_sinf(x))           \
  FUNCTION(cos, __builtin_cosf(x))           \
  FUNCTION(tanh, __builtin_tanhf(x))         \
  FUNCTION(fabs, __builtin_fabsf(x))         \
  FUNCTION(floor, __builtin_floorf(x))       \
  FUNCTION(ceil, __builtin_ceilf(x))         \
  FUNCTION(trunc, __builtin_truncf(x))       \
  FUNCTION(round, __builtin_roundf(x))       \
  FUNCTION(rint, __builtin_rintf(x))

// Two arguments of one type, as strict as can be: in Metal mixed ones are ambiguous or convert.
#define MSL_FLOAT_FUNCTION_2(name, expression)                      \
  METAL_FUNC float name(float x, float y) {                         \
    return expression;                                              \
  }                                                                 \
  template <int N>                                                  \
  METAL_FUNC vec<float, N> name(vec<float, N> a, vec<float, N> b) { \
    for (int i = 0; i < N; ++i) a[i] = name(a[i], b[i]);            \
    return a;                                                       \
  }
#define MSL_HALF_FUNCTION_2(name, expression)                    \
  METAL_FUNC half name(half x, half y) {                         \
    return half(name(float(x), float(y)));                       \
  }                                                              \
  template <int N>                                               \
  METAL_FUNC vec<half, N> name(vec<half, N> a, vec<half, N> b) { \
    for (int i = 0; i < N; ++i) a[i] = name(a[i], b[i]);         \
    return a;                                                    \
  }
#define MSL_FUNCTIONS_2(FUNCTION)               \
  FUNCTION(fmax, __builtin_fmaxf(x, y))         \
  FUNCTION(fmin, __builtin_fminf(x, y))         \
  FUNCTION(fmod, __builtin_fmodf(x, y))         \
  FUNCTION(pow, __builtin_powf(x, y))           \
  FUNCTION(copysign, __builtin_copysignf(x, y)) \
  FUNCTION(max, __builtin_fmaxf(x, y))          \
  FUNCTION(min, __builtin_fminf(x, y))

MSL_FUNCTIONS(MSL_FLOAT_FUNCTION)
MSL_FUNCTIONS(MSL_HALF_FUNCTION)
MSL_FUNCTIONS_2(MSL_FLOAT_FUNCTION_2)
MSL_FUNCTIONS_2(MSL_HALF_FUNCTION_2)
MSL_FLOAT_FUNCTION(abs, __builtin_fabsf(x))
MSL_HALF_FUNCTION(abs, )
// Of single precision only. How precise either is, a device alone can tell.
namespace precise {
MSL_FUNCTIONS(MSL_FLOAT_FUNCTION)
MSL_FUNCTIONS_2(MSL_FLOAT_FUNCTION_2)
}  // namespace precise
namespace fast {
MSL_FUNCTIONS(MSL_FLOAT_FUNCTION)
MSL_FUNCTIONS_2(MSL_FLOAT_FUNCTION_2)
}  // namespace fast

METAL_FUNC float fma(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}
METAL_FUNC half fma(half a, half b, half c) {
  return half(fma(float(a), float(b), float(c)));
}
template <typename T, int N>
METAL_FUNC vec<T, N> fma(vec<T, N> a, vec<T, N> b, vec<T, N> c) {
  for (int i = 0; i < N; ++i) a[i] = fma(a[i], b[i], c[i]);
  return a;
}
template <typename T>
METAL_FUNC T clamp(T x, T low, T high) {
  return min(max(x, low), high);
}
template <typename T>
METAL_FUNC T mix(T x, T y, T a) {
  return x + (y - x) * a;
}
METAL_FUNC float saturate(float x) {
  return clamp(x, 0.0f, 1.0f);
}
METAL_FUNC float sign(float x) {
  return x > 0 ? 1.0f : x < 0 ? -1.0f : 0.0f;
}
template <typename T>
METAL_FUNC T select(T a, T b, bool c) {
  return c ? b : a;
}
METAL_FUNC bool isnan(float x) {
  return __builtin_isnan(x);
}
METAL_FUNC bool isinf(float x) {
  return __builtin_isinf(x);
}
METAL_FUNC bool isfinite(float x) {
  return __builtin_isfinite(x);
}
template <typename T, int N>
METAL_FUNC T dot(vec<T, N> a, vec<T, N> b) {
  T sum = a[0] * b[0];
  for (int i = 1; i < N; ++i) sum += a[i] * b[i];
  return sum;
}

#define MSL_INTEGER(T)         \
  METAL_FUNC T max(T a, T b) { \
    return a > b ? a : b;      \
  }                            \
  METAL_FUNC T min(T a, T b) { \
    return a < b ? a : b;      \
  }
MSL_INTEGER(short)
MSL_INTEGER(ushort)
MSL_INTEGER(int)
MSL_INTEGER(uint)
MSL_INTEGER(long)
MSL_INTEGER(ulong)
METAL_FUNC int abs(int x) {
  return x < 0 ? -x : x;
}
METAL_FUNC uint popcount(uint x) {
  return uint(__builtin_popcount(x));
}
METAL_FUNC uint clz(uint x) {
  return x == 0 ? 32 : uint(__builtin_clz(x));
}
METAL_FUNC uint ctz(uint x) {
  return x == 0 ? 32 : uint(__builtin_ctz(x));
}

template <typename To, typename From>
METAL_FUNC To as_type(From value) {
  static_assert(sizeof(To) == sizeof(From), "as_type is between types of one size");
  To out;
  __builtin_memcpy(&out, &value, sizeof out);
  return out;
}

template <typename T>
struct numeric_limits;
template <>
struct numeric_limits<float> {
  static constexpr float max() { return FLT_MAX; }
  static constexpr float lowest() { return -FLT_MAX; }
  static constexpr float min() { return FLT_MIN; }
  static constexpr float epsilon() { return FLT_EPSILON; }
  static constexpr float infinity() { return INFINITY; }
  static constexpr float quiet_NaN() { return NAN; }
};
template <>
struct numeric_limits<int> {
  static constexpr int max() { return 2147483647; }
  static constexpr int min() { return -2147483647 - 1; }
  static constexpr int lowest() { return min(); }
};
template <>
struct numeric_limits<uint> {
  static constexpr uint max() { return 4294967295u; }
  static constexpr uint min() { return 0; }
  static constexpr uint lowest() { return 0; }
};

template <typename A, typename B>
constexpr bool is_same_v = false;
template <typename A>
constexpr bool is_same_v<A, A> = true;

}  // namespace metal

using metal::as_type;
