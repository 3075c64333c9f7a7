// What the kernels for 64-bit ARM's products of bytes and of bfloat16 share. Functions name their
// instructions themselves, so that nothing else of a file is compiled for processors that have
// them.
#pragma once

// Compilers whose arm_neon.h lets functions ask for instructions (clang from 16 on, which is
// Apple's 15), and those that were told of a processor that has them all.
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__)
#if !defined(__clang__)
#if __GNUC__ >= 10
#define XLSTM_NEON_DOTS
// GCC's own functions are for this architecture, and go into those only that are for it too.
#define XLSTM_NEON_ARCHITECTURE "arch=armv8.2-a"
#endif
#elif defined(__apple_build_version__) ? __clang_major__ >= 15 : __clang_major__ >= 16
#define XLSTM_NEON_DOTS
#define XLSTM_NEON_ARCHITECTURE ""
#endif
#endif

#ifdef XLSTM_NEON_DOTS
#include <arm_neon.h>

#include <cstdint>

#define XLSTM_NEON_DOT_TARGET XLSTM_NEON_ARCHITECTURE "+dotprod"
#define XLSTM_NEON_DOT __attribute__((target(XLSTM_NEON_DOT_TARGET)))
#define XLSTM_NEON_INT8 __attribute__((target(XLSTM_NEON_ARCHITECTURE "+i8mm")))
#define XLSTM_NEON_BF16 __attribute__((target(XLSTM_NEON_ARCHITECTURE "+bf16")))

namespace xlstm::kernels {

// Where in 2 * bits bytes 16 codes of up to 7 bits begin.
class CodePlaces {
 public:
  constexpr explicit CodePlaces(int bits) : lower_(), upper_(), down_(), up_() {
    for (int i = 0; i < 16; ++i) {
      lower_[i] = static_cast<std::uint8_t>(i * bits / 8);
      upper_[i] = static_cast<std::uint8_t>(i * bits / 8 + 1);
      down_[i] = static_cast<std::int8_t>(-(i * bits % 8));
      up_[i] = static_cast<std::int8_t>(8 - i * bits % 8);
    }
  }

  // Each code in the lower bits of a byte; what is above it may stay.
  uint8x16_t spread(uint8x16_t bytes) const {
    const uint8x16_t lower = vqtbl1q_u8(bytes, vld1q_u8(lower_));
    const uint8x16_t upper = vqtbl1q_u8(bytes, vld1q_u8(upper_));
    return vorrq_u8(vshlq_u8(lower, vld1q_s8(down_)), vshlq_u8(upper, vld1q_s8(up_)));
  }

 private:
  alignas(16) std::uint8_t lower_[16], upper_[16];
  alignas(16) std::int8_t down_[16], up_[16];
};

}  // namespace xlstm::kernels
#endif
