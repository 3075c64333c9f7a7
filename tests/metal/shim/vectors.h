// vec<T, N>: construction, members, arithmetic element by element. Of the swizzles only xy, zw and
// xyz.
#pragma once

#include "half.h"

namespace metal {

template <typename T, int N>
struct vec;

template <typename T>
struct alignas(2 * sizeof(T)) vec<T, 2> {
  T x, y;
  vec() = default;
  METAL_FUNC vec(T v) : x(v), y(v) {}
  METAL_FUNC vec(T x_, T y_) : x(x_), y(y_) {}
  template <typename U>
  METAL_FUNC explicit vec(vec<U, 2> v) : x(T(v.x)), y(T(v.y)) {}
  METAL_FUNC T& operator[](int i) { return (&x)[i]; }
  METAL_FUNC const T& operator[](int i) const { return (&x)[i]; }
};

template <typename T>
struct alignas(4 * sizeof(T)) vec<T, 3> {
  T x, y, z;
  vec() = default;
  METAL_FUNC vec(T v) : x(v), y(v), z(v) {}
  METAL_FUNC vec(T x_, T y_, T z_) : x(x_), y(y_), z(z_) {}
  template <typename U>
  METAL_FUNC explicit vec(vec<U, 3> v) : x(T(v.x)), y(T(v.y)), z(T(v.z)) {}
  METAL_FUNC T& operator[](int i) { return (&x)[i]; }
  METAL_FUNC const T& operator[](int i) const { return (&x)[i]; }
};

template <typename T>
struct alignas(4 * sizeof(T)) vec<T, 4> {
  union {
    struct {
      T x, y, z, w;
    };
    struct {
      vec<T, 2> xy, zw;
    };
    vec<T, 3> xyz;
  };
  vec() = default;
  METAL_FUNC vec(T v) : x(v), y(v), z(v), w(v) {}
  METAL_FUNC vec(T x_, T y_, T z_, T w_) : x(x_), y(y_), z(z_), w(w_) {}
  METAL_FUNC vec(vec<T, 2> a, vec<T, 2> b) : x(a.x), y(a.y), z(b.x), w(b.y) {}
  template <typename U>
  METAL_FUNC explicit vec(vec<U, 4> v) : x(T(v.x)), y(T(v.y)), z(T(v.z)), w(T(v.w)) {}
  METAL_FUNC T& operator[](int i) { return (&x)[i]; }
  METAL_FUNC const T& operator[](int i) const { return (&x)[i]; }
};

#define MSL_VEC_OPERATOR(op)                                        \
  template <typename T, int N>                                      \
  METAL_FUNC vec<T, N> operator op(vec<T, N> a, vec<T, N> b) {      \
    for (int i = 0; i < N; ++i) a[i] = a[i] op b[i];                \
    return a;                                                       \
  }                                                                 \
  template <typename T, int N>                                      \
  METAL_FUNC vec<T, N> operator op(vec<T, N> a, T b) {              \
    return a op vec<T, N>(b);                                       \
  }                                                                 \
  template <typename T, int N>                                      \
  METAL_FUNC vec<T, N> operator op(T a, vec<T, N> b) {              \
    return vec<T, N>(a) op b;                                       \
  }                                                                 \
  template <typename T, int N>                                      \
  METAL_FUNC vec<T, N>& operator op##=(vec<T, N>& a, vec<T, N> b) { \
    return a = a op b;                                              \
  }                                                                 \
  template <typename T, int N>                                      \
  METAL_FUNC vec<T, N>& operator op##=(vec<T, N>& a, T b) {         \
    return a = a op b;                                              \
  }
MSL_VEC_OPERATOR(+)
MSL_VEC_OPERATOR(-)
MSL_VEC_OPERATOR(*)
MSL_VEC_OPERATOR(/)
template <typename T, int N>
METAL_FUNC vec<T, N> operator-(vec<T, N> a) {
  for (int i = 0; i < N; ++i) a[i] = -a[i];
  return a;
}

}  // namespace metal

namespace msl {

template <typename T, int N>
struct cell_of<metal::vec<T, N>> : cell_of<T> {};

}  // namespace msl

#define MSL_VEC_NAMES(T)         \
  using T##2 = metal::vec<T, 2>; \
  using T##3 = metal::vec<T, 3>; \
  using T##4 = metal::vec<T, 4>;
MSL_VEC_NAMES(float)
MSL_VEC_NAMES(half)
MSL_VEC_NAMES(bfloat)
MSL_VEC_NAMES(char)
MSL_VEC_NAMES(uchar)
MSL_VEC_NAMES(short)
MSL_VEC_NAMES(ushort)
MSL_VEC_NAMES(int)
MSL_VEC_NAMES(uint)
MSL_VEC_NAMES(long)
MSL_VEC_NAMES(ulong)
