// Which instructions kernels use: those that this processor has, up to the class that the
// environment variable XLSTM_SIMD names. Whatever chooses between kernels asks here, and neither
// Highway nor the processor.
//
// Classes of kernels, worst first. "native", and an empty XLSTM_SIMD, mean no limit.
//   x86-64   scalar       without vectors of ours
//            sse4
//            avx2         with FMA and F16C; products of bytes of many rows
//            avx2-vnni    and products of bytes in AVX2's vectors: AVX-VNNI, or AVX-512's VNNI
//            avx512       F, BW, CD, DQ and VL
//            avx512-vnni  and VNNI with VBMI: products of bytes
//            avx512-bf16  and products of bfloat16
//   ARM      neon
//            neon-dot     and SDOT: products of bytes
//            neon-i8mm    and SMMLA: products of matrices of bytes
//            neon-bf16    and BFMMLA: products of matrices of bfloat16
#pragma once

#include <string_view>
#include <vector>

namespace xlstm::kernels {

// What kernels use beyond Highway's targets.
enum SimdFeature : unsigned {
  kAvxVnni = 1,
  kAvx512VlVnni = 2,  // the same in AVX-512's encoding
  kAvx512Int8 = 4,    // VNNI and VBMI
  kAvx512Bf16 = 8,
  kNeonDot = 16,
  kNeonInt8Matrix = 32,
  kNeonBf16Matrix = 64,
  kAvx2 = 128,  // with FMA and F16C
};

// Whether the processor has it and kernels may use it. Throws, as all here does, Error(kUsage) if
// XLSTM_SIMD is none of the words.
bool has_simd(SimdFeature feature);

// The classes whose instructions this processor has and kernels may use, the one in use first.
std::vector<std::string_view> simd_classes();

// The class that XLSTM_SIMD limits kernels to; empty where it says nothing.
std::string_view simd_cap();

// For tests: limits kernels to a class, one of simd_classes(), or with "" to what XLSTM_SIMD says.
// Not while a kernel runs.
void limit_simd(std::string_view name);

}  // namespace xlstm::kernels
