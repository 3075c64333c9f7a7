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

#include "xlstm/base/arm.h"

#define XLSTM_NEON_DOT_TARGET XLSTM_NEON_ARCHITECTURE "+dotprod"
#define XLSTM_NEON_DOT __attribute__((target(XLSTM_NEON_DOT_TARGET)))
#define XLSTM_NEON_INT8 __attribute__((target(XLSTM_NEON_ARCHITECTURE "+i8mm")))
#define XLSTM_NEON_BF16 __attribute__((target(XLSTM_NEON_ARCHITECTURE "+bf16")))
#endif
