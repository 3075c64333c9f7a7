#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/simd/simd.h"
#include "xlstm/kernels/simd/simd_processor.h"

#if defined(__x86_64__)
namespace xlstm::kernels {
namespace {

// On x86 a better target is a lower bit.
constexpr SimdClass kClasses[] = {
    {"scalar", 0, 2 * HWY_SSSE3 - 1, 0},
    {"sse4", HWY_SSE4, HWY_SSE4 - 1, 0},
    {"avx2", HWY_AVX2, HWY_AVX2 - 1, kAvx2},
    {"avx2-vnni", HWY_AVX2, HWY_AVX2 - 1, kAvxVnni | kAvx512VlVnni},
    {"avx512", HWY_AVX3, HWY_AVX3 - 1, 0},
    {"avx512-vnni", HWY_AVX3, HWY_AVX3 - 1, kAvx512Int8},
    {"avx512-bf16", HWY_AVX3, HWY_AVX3 - 1, kAvx512Bf16},
};

// Leaf 7, subleaf 1: not every compiler's __builtin_cpu_supports() knows the name.
bool has_avx_vnni() {
  unsigned a = 7, b = 0, c = 1, d = 0;
  asm("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return (a & (1U << 4)) != 0;
}

unsigned features_of(std::int64_t targets) {
  unsigned features = 0;
  if ((targets & HWY_AVX2) != 0) features |= kAvx2;
  if ((targets & HWY_AVX2) != 0 && has_avx_vnni()) features |= kAvxVnni;
  if ((targets & HWY_AVX3) == 0) return features;
  const bool vnni = __builtin_cpu_supports("avx512vnni");
  if (vnni) features |= kAvx512VlVnni;
  if (vnni && __builtin_cpu_supports("avx512vbmi")) features |= kAvx512Int8;
  if (__builtin_cpu_supports("avx512bf16")) features |= kAvx512Bf16;
  return features;
}

}  // namespace

SimdProcessor simd_processor(std::int64_t targets) {
  return {kClasses, features_of(targets)};
}

}  // namespace xlstm::kernels
#endif
