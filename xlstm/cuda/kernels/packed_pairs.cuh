// Quantised weights as operands of tensor cores: eight neighbouring ones of a row become four
// registers of two bfloat16 each, in which weight i stands beside weight i + 4. What is made of a
// number q is exact: q + 128 where q has up to six bits, each half of an eight-bit q apart, and the
// E2M1 floats of mxfp4.
#pragma once

#include "xlstm/cuda/kernels/common.cuh"

constexpr int kDense = 16, kMxfp4 = 44;  // formats beside the numbers of bits of affine ones

template <int kFormat>
constexpr int kBitsOf = kFormat == kMxfp4 ? 4 : kFormat;
// Operands that a weight is made of, and what their sum has more than q.
template <int kFormat>
constexpr int kParts = kFormat == 8 ? 2 : 1;
template <int kFormat>
constexpr float kOffset = kFormat == kMxfp4 || kFormat == kDense ? 0.0F
                          : kFormat == 8                         ? 128.0F * 17.0F
                                                                 : 128.0F;

// 128 + q of both halves, q of kBits bits at bit `at` of each.
template <int kBits>
__device__ inline uint32 pair_at(uint32 halves, int at) {
  constexpr uint32 kMask = ((1U << kBits) - 1U) * 0x10001U;
  return ((halves >> at) & kMask) | 0x43004300U;
}

// The lower, and the upper, halves of two words as one.
__device__ inline uint32 low_halves(uint32 a, uint32 b) {
  return __byte_perm(a, b, 0x5410);
}
__device__ inline uint32 high_halves(uint32 a, uint32 b) {
  return __byte_perm(a, b, 0x7632);
}

// x * 2^n of two bfloat16, exact; `factor`: 2^n twice.
__device__ inline uint32 scaled_pair(uint32 pair, uint32 factor) {
  uint32 y;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(y) : "r"(pair), "r"(factor), "r"(0x80008000U));
  return y;
}

// E2M1 floats at bits 4 at of both halves. Their bits, put where bfloat16 has its own, are 2^-126
// of them, the smallest ones as subnormals.
__device__ inline uint32 e2m1_pair(uint32 halves, int at) {
  const uint32 left = at == 3 ? halves >> 4 : halves << (8 - 4 * at);  // sign at 11, the rest below
  const uint32 bits = ((left << 4) & 0x80008000U) | ((left >> 2) & 0x01C001C0U);
  return scaled_pair(bits, 0x7E807E80U);  // 2^126
}

// 64 bits from bit `shift` (below 32) of a stream of words on; what lies past them is not asked for.
__device__ inline uint64 bits_at(const uint32* words, int shift) {
  return (static_cast<uint64>(words[1]) << 32 | words[0]) >> shift;
}

// Eight weights whose bits begin at byte `at` of `row`, in shared memory.
template <int kFormat>
__device__ void unpack_eight(const char* row, int at, uint32 (&pairs)[kParts<kFormat>][4]) {
  if constexpr (kFormat == kDense) {
    const uint4 read = *reinterpret_cast<const uint4*>(row + at);
    pairs[0][0] = read.x, pairs[0][1] = read.y, pairs[0][2] = read.z, pairs[0][3] = read.w;
  } else if constexpr (kFormat == 8) {
    const uint2 read = *reinterpret_cast<const uint2*>(row + at);
    const uint32 low = low_halves(read.x, read.y), high = high_halves(read.x, read.y);
#pragma unroll
    for (int part = 0; part < 2; ++part) {
      pairs[part][0] = pair_at<4>(low, 4 * part);
      pairs[part][1] = pair_at<4>(low, 8 + 4 * part);
      pairs[part][2] = pair_at<4>(high, 4 * part);
      pairs[part][3] = pair_at<4>(high, 8 + 4 * part);
    }
  } else if constexpr (kFormat == 4 || kFormat == kMxfp4) {
    const uint32 word = *reinterpret_cast<const uint32*>(row + at);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      pairs[0][i] = kFormat == 4 ? pair_at<4>(word, 4 * i) : e2m1_pair(word, i);
    }
  } else if constexpr (kFormat == 2) {
    const uint32 half = *reinterpret_cast<const uint16*>(row + at);
    const uint32 halves = __byte_perm(half, 0, 0x4140);  // a byte in each
#pragma unroll
    for (int i = 0; i < 4; ++i) pairs[0][i] = pair_at<2>(halves, 2 * i);
  } else {
    const auto* const words = reinterpret_cast<const uint32*>(row + at / 4 * 4);
    const uint64 bits = bits_at(words, at % 4 * 8);
    const auto first = static_cast<uint32>(bits);
    const auto second = static_cast<uint32>(bits >> (4 * kFormat));
    if constexpr (kFormat == 3) {
      const uint32 halves = low_halves(first, second);
#pragma unroll
      for (int i = 0; i < 4; ++i) pairs[0][i] = pair_at<3>(halves, 3 * i);
    } else {
      constexpr int kFew = kFormat == 5 ? 3 : 2;  // that lie in a half
      const uint32 halves = low_halves(first, second);
      const uint32 others = low_halves(first >> (kFew * kFormat), second >> (kFew * kFormat));
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        pairs[0][i] = i < kFew ? pair_at<kFormat>(halves, kFormat * i)
                               : pair_at<kFormat>(others, kFormat * (i - kFew));
      }
    }
  }
}

// Eight neighbouring numbers of x as the operand that goes with them.
template <int kFormat>
__device__ void x_pairs(const uint4& x, uint32 (&pairs)[4]) {
  if constexpr (kFormat == kDense) {
    pairs[0] = x.x, pairs[1] = x.y, pairs[2] = x.z, pairs[3] = x.w;
  } else {
    pairs[0] = low_halves(x.x, x.z), pairs[1] = high_halves(x.x, x.z);
    pairs[2] = low_halves(x.y, x.w), pairs[3] = high_halves(x.y, x.w);
  }
}
