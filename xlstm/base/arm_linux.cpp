#include "xlstm/base/arm.h"

#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace xlstm {
namespace {

ArmFeatures read_features() {
#if defined(__aarch64__)
  const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  return {(first & HWCAP_ASIMDDP) != 0, (second & HWCAP2_I8MM) != 0, (second & HWCAP2_BF16) != 0};
#else
  return {};
#endif
}

}  // namespace

const ArmFeatures& arm_features() {
  static const ArmFeatures features = read_features();
  return features;
}

}  // namespace xlstm
