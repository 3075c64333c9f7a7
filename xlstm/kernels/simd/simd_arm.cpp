#include "xlstm/kernels/simd/simd.h"
#include "xlstm/kernels/simd/simd_processor.h"

#if defined(__aarch64__)
#include "xlstm/base/arm.h"

namespace xlstm::kernels {
namespace {

constexpr SimdClass kClasses[] = {
    {"neon", 0, 0, 0},
    {"neon-dot", 0, 0, kNeonDot},
    {"neon-i8mm", 0, 0, kNeonInt8Matrix},
    {"neon-bf16", 0, 0, kNeonBf16Matrix},
};

}  // namespace

SimdProcessor simd_processor(std::int64_t /*targets*/) {
  const ArmFeatures& arm = arm_features();
  unsigned features = 0;
  if (arm.dot) features |= kNeonDot;
  if (arm.int8_matrix) features |= kNeonInt8Matrix;
  if (arm.bf16_matrix) features |= kNeonBf16Matrix;
  return {kClasses, features};
}

}  // namespace xlstm::kernels
#endif
