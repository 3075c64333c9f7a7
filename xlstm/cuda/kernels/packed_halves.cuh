// Quantised weights as operands of tensor cores, for products of one row: eight neighbouring ones
// of a row become four registers of two float16 each. A number q stays where it lies in the lowest
// ten bits of a half, and is then the subnormal q 2^place 2^-24: exact, without an offset, and at
// the price of one logical operation. What it is multiplied with is scaled by 2^-place before. The
// E2M1 floats of mxfp4 become 2^-14 of themselves.
#pragma once

#include "xlstm/cuda/kernels/packed_pairs.cuh"

// How many neighbours in a half can stay where they are.
template <int kFormat>
constexpr int kInPlace = 10 / kBitsOf<kFormat>;

// Which two of eight weights register i has, and by what power of two the first bits are away from
// the lowest one.
template <int kFormat>
__device__ constexpr int first_of_pair(int i) {
  return kFormat == 8 ? i % 2 + i / 2 * 4 : i;
}
template <int kFormat>
constexpr int kBesideInPair = kFormat == 8 ? 2 : 4;
template <int kFormat>
__device__ constexpr int place_of_pair(int i) {
  if (kFormat == kMxfp4 || kFormat == 8) return 0;
  // Numbers of five and six bits are too long for four in a half.
  const int of_half = kFormat == 5 ? i % 3 : kFormat == 6 ? i % 2 : i;
  return of_half % kInPlace<kFormat> * kFormat;
}
// What a sum of products with such weights is to be multiplied with.
template <int kFormat>
constexpr float kWhole = kFormat == kMxfp4 ? 16384.0F : 16777216.0F;

// Number i of both halves, at place_of_pair().
template <int kFormat>
__device__ inline uint32 halves_at(uint32 halves, int i) {
  constexpr uint32 kMask = ((1U << kFormat) - 1U) * 0x10001U;
  const int moved = i / kInPlace<kFormat> * kInPlace<kFormat> * kFormat;
  return (halves >> moved) & (kMask << (i % kInPlace<kFormat> * kFormat));
}

// The bits of eight weights from their first byte on; rows begin at four bytes. Those of three,
// five and six bits lie in two words, the second of which may not be theirs.
template <int kFormat>
__device__ inline uint2 load_eight(const char* at) {
  if constexpr (kFormat == 8) {
    return *reinterpret_cast<const uint2*>(at);
  } else if constexpr (kFormat == 4 || kFormat == kMxfp4) {
    return make_uint2(*reinterpret_cast<const uint32*>(at), 0);
  } else if constexpr (kFormat == 2) {
    return make_uint2(*reinterpret_cast<const uint16*>(at), 0);
  } else {
    const uint32 into = static_cast<uint32>(reinterpret_cast<uint64>(at)) % 4;
    const auto* const words = reinterpret_cast<const uint32*>(at - into);
    return make_uint2(__funnelshift_r(words[0], words[1], 8 * into), words[1] >> (8 * into));
  }
}

// The same of two neighbouring eights, for numbers of two, four and eight bits.
template <int kFormat>
__device__ inline void load_sixteen(const char* at, uint2& low, uint2& high) {
  static_assert(kFormat == 2 || kFormat == 4 || kFormat == 8);
  if constexpr (kFormat == 8) {
    const uint4 read = *reinterpret_cast<const uint4*>(at);
    low = make_uint2(read.x, read.y), high = make_uint2(read.z, read.w);
  } else if constexpr (kFormat == 4) {
    const uint2 read = *reinterpret_cast<const uint2*>(at);
    low = make_uint2(read.x, 0), high = make_uint2(read.y, 0);
  } else {
    const uint32 read = *reinterpret_cast<const uint32*>(at);
    low = make_uint2(read, 0), high = make_uint2(read >> 16, 0);
  }
}

template <int kFormat>
__device__ inline void unpack_halves(const uint2& eight, uint32 (&pairs)[4]) {
  if constexpr (kFormat == 8) {
    pairs[0] = eight.x & 0x00FF00FFU, pairs[1] = __byte_perm(eight.x, 0, 0x4341);
    pairs[2] = eight.y & 0x00FF00FFU, pairs[3] = __byte_perm(eight.y, 0, 0x4341);
  } else if constexpr (kFormat == kMxfp4) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {  // sign at bit 15, the others at 9
      const uint32 at_9 = i == 3 ? eight.x >> 3 : eight.x << (9 - 4 * i);
      pairs[i] = (at_9 & 0x0E000E00U) | ((at_9 << 3) & 0x80008000U);
    }
  } else {
    uint32 halves = eight.x, rest = 0;  // of the first four, and of the others
    constexpr int kFew = kFormat == 5 ? 3 : kFormat == 6 ? 2 : 4;  // of four, in a half
    if constexpr (kFormat == 2) halves = __byte_perm(eight.x, 0, 0x4140);
    if constexpr (kFormat == 3) halves = low_halves(eight.x, eight.x >> 12);
    if constexpr (kFormat == 5 || kFormat == 6) {
      const uint32 others = __funnelshift_r(eight.x, eight.y, 4 * kFormat);
      halves = low_halves(eight.x, others);
      rest = low_halves(eight.x >> (kFew * kFormat), others >> (kFew * kFormat));
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      pairs[i] = i < kFew ? halves_at<kFormat>(halves, i) : halves_at<kFormat>(rest, i - kFew);
    }
  }
}

// Two floats as float16; `low` in the lower half.
__device__ inline uint32 pack_f16(float low, float high) {
  uint32 bits;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(high), "f"(low));
  return bits;
}
