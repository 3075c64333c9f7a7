// Quantised weights as operands of tensor cores: eight neighbouring ones of a row become four
// registers of two bfloat16 each, in which weight i stands beside weight i + 4. What is made of a
// number q is exact: q + 128 where q has up to six bits, each half of an eight-bit q apart, and the
// E2M1 floats of mxfp4.
#pragma once

#include "xlstm/cuda/kernels/common.cuh"

// A scale of mxfp4, 2^(e - 127), the smallest of which is subnormal.
__device__ inline float to_float(uint8 e) {
  return __uint_as_float(e == 0 ? 0x00400000U : static_cast<uint32>(e) << 23);
}

// Scales of float32 or bfloat16, as a number of bytes says: for formats of which few models are, so
// that there are fewer kernels to compile.
struct AnyScale {};
template <typename Scale>
struct ScaleAt {
  __device__ static float read(const char* at, int) {
    return to_float(*reinterpret_cast<const Scale*>(at));
  }
  __device__ static int bytes(int) { return sizeof(Scale); }
};
template <>
struct ScaleAt<AnyScale> {
  __device__ static float read(const char* at, int bytes) {
    return bytes == 4 ? *reinterpret_cast<const float*>(at)
                      : to_float(*reinterpret_cast<const bf16*>(at));
  }
  __device__ static int bytes(int bytes) { return bytes; }
};

constexpr int kMxfp4 = 44;  // the format beside affine ones, which are their numbers of bits

template <int kFormat>
constexpr int kBitsOf = kFormat == kMxfp4 ? 4 : kFormat;
// Operands that a weight is made of, and what their sum has more than q.
template <int kFormat>
constexpr int kParts = kFormat == 8 ? 2 : 1;
template <int kFormat>
constexpr float kOffset = kFormat == kMxfp4 ? 0.0F
                          : kFormat == 8    ? 128.0F * 17.0F
                                            : 128.0F;

// 128 + q of both halves, q of kBits bits at bit `at` of each.
template <int kBits>
__device__ inline uint32 pair_at(uint32 halves, int at) {
  constexpr uint32 kMask = ((1U << kBits) - 1U) * 0x10001U;
  uint32 pair;  // (halves & mask) | 128, twice: one instruction
  asm("lop3.b32 %0, %1, %2, %3, 0xEA;"
      : "=r"(pair)
      : "r"(halves >> at), "r"(kMask), "r"(0x43004300U));
  return pair;
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

// Where a lane's eight weights of a chunk of 32 columns lie in a unit's pieces in shared memory:
// the lane of row g has those from 8 q on. Some formats' are in two words.
struct EightBytes {
  int first, second;
  int shift;  // bits of the first word that are others'

  template <int kFormat>
  __device__ static EightBytes of(int column, int g, int q, int piece);
};

// The place of a byte of row g where pieces of 128 bytes of all rows stand together, `piece` bytes
// in all, 16 bytes each at a place that rows make different, as copies of tensors put them.
__device__ inline int swizzled(int byte, int g, int piece) {
  return byte / 128 * piece + g * 128 + (((byte / 16) ^ g) & 7) * 16 + byte % 16;
}

template <int kFormat>
__device__ EightBytes EightBytes::of(int column, int g, int q, int piece) {
  const int byte = (column / 8 + q) * kBitsOf<kFormat>;
  if constexpr (kFormat == 3 || kFormat == 5 || kFormat == 6) {
    const int word = byte / 4 * 4;
    return {swizzled(word, g, piece), swizzled(word + 4, g, piece), byte % 4 * 8};
  } else {
    return {swizzled(byte, g, piece), 0, 0};
  }
}

// The eight weights whose bytes are `at` in `rows`.
template <int kFormat>
__device__ void unpack_eight(const char* rows, const EightBytes& at,
                             uint32 (&pairs)[kParts<kFormat>][4]) {
  const char* const first = rows + at.first;
  if constexpr (kFormat == 8) {
    const uint2 read = *reinterpret_cast<const uint2*>(first);
    const uint32 low = low_halves(read.x, read.y), high = high_halves(read.x, read.y);
#pragma unroll
    for (int part = 0; part < 2; ++part) {
      pairs[part][0] = pair_at<4>(low, 4 * part);
      pairs[part][1] = pair_at<4>(low, 8 + 4 * part);
      pairs[part][2] = pair_at<4>(high, 4 * part);
      pairs[part][3] = pair_at<4>(high, 8 + 4 * part);
    }
  } else if constexpr (kFormat == 4 || kFormat == kMxfp4) {
    const uint32 word = *reinterpret_cast<const uint32*>(first);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      pairs[0][i] = kFormat == 4 ? pair_at<4>(word, 4 * i) : e2m1_pair(word, i);
    }
  } else if constexpr (kFormat == 2) {
    const uint32 half = *reinterpret_cast<const uint16*>(first);
    const uint32 halves = __byte_perm(half, 0, 0x4140);  // a byte in each
#pragma unroll
    for (int i = 0; i < 4; ++i) pairs[0][i] = pair_at<2>(halves, 2 * i);
  } else {
    const uint32 low = *reinterpret_cast<const uint32*>(first);
    const uint32 high = *reinterpret_cast<const uint32*>(rows + at.second);
    const uint64 bits = (static_cast<uint64>(high) << 32 | low) >> at.shift;
    const auto four = static_cast<uint32>(bits);  // the first four, and the others
    const auto others = static_cast<uint32>(bits >> (4 * kFormat));
    constexpr int kFew = kFormat == 3 ? 4 : kFormat == 5 ? 3 : 2;  // that lie in a half
    const uint32 halves = low_halves(four, others);
    const uint32 rest = low_halves(four >> (kFew * kFormat), others >> (kFew * kFormat));
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      pairs[0][i] = i < kFew ? pair_at<kFormat>(halves, kFormat * i)
                             : pair_at<kFormat>(rest, kFormat * (i - kFew));
    }
  }
}

// Eight neighbouring numbers of x as the operand that goes with them.
__device__ inline void x_pairs(const uint4& x, uint32 (&pairs)[4]) {
  pairs[0] = low_halves(x.x, x.z), pairs[1] = high_halves(x.x, x.z);
  pairs[2] = low_halves(x.y, x.w), pairs[3] = high_halves(x.y, x.w);
}
