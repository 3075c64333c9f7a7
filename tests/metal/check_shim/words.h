// Types, and how vectors are made: clang's vectors take no list of values behind their name, so
// that name followed by a bracket is a macro.
#pragma once

#pragma OPENCL EXTENSION cl_khr_fp16 : enable

typedef __SIZE_TYPE__ size_t;
typedef signed char int8_t;
typedef unsigned char uint8_t, uchar;
typedef short int16_t;
typedef unsigned short uint16_t, ushort;
typedef int int32_t;
typedef unsigned int uint32_t, uint;
typedef long int64_t;
typedef unsigned long uint64_t, ulong;
typedef half bfloat;

namespace metal {

template <typename T, int N>
using vec = T __attribute__((ext_vector_type(N)));

}  // namespace metal

#define MSL_VEC_NAMES(T)                              \
  typedef T T##2 __attribute__((ext_vector_type(2))); \
  typedef T T##3 __attribute__((ext_vector_type(3))); \
  typedef T T##4 __attribute__((ext_vector_type(4)));
MSL_VEC_NAMES(float)
MSL_VEC_NAMES(half)
MSL_VEC_NAMES(char)
MSL_VEC_NAMES(uchar)
MSL_VEC_NAMES(short)
MSL_VEC_NAMES(ushort)
MSL_VEC_NAMES(int)
MSL_VEC_NAMES(uint)
MSL_VEC_NAMES(long)
MSL_VEC_NAMES(ulong)
typedef half2 bfloat2;
typedef half3 bfloat3;
typedef half4 bfloat4;

namespace msl {

template <typename V, typename... Values>
V make(Values... values);
template <typename T>
threadgroup T* shared();

}  // namespace msl

#define float2(...) msl::make<float2>(__VA_ARGS__)
#define float3(...) msl::make<float3>(__VA_ARGS__)
#define float4(...) msl::make<float4>(__VA_ARGS__)
#define half2(...) msl::make<half2>(__VA_ARGS__)
#define half3(...) msl::make<half3>(__VA_ARGS__)
#define half4(...) msl::make<half4>(__VA_ARGS__)
#define bfloat2(...) msl::make<half2>(__VA_ARGS__)
#define bfloat4(...) msl::make<half4>(__VA_ARGS__)
#define int2(...) msl::make<int2>(__VA_ARGS__)
#define int3(...) msl::make<int3>(__VA_ARGS__)
#define int4(...) msl::make<int4>(__VA_ARGS__)
#define uint2(...) msl::make<uint2>(__VA_ARGS__)
#define uint3(...) msl::make<uint3>(__VA_ARGS__)
#define uint4(...) msl::make<uint4>(__VA_ARGS__)
#define ulong2(...) msl::make<ulong2>(__VA_ARGS__)

// Locals of this address space are allowed in OpenCL's kernels only, which Metal's are not here.
#define MSL_TG(name, dims, ...)         \
  typedef __VA_ARGS__ name##_type dims; \
  threadgroup name##_type& name = *::msl::shared<name##_type>()
