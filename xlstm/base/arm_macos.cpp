#include <sys/sysctl.h>

#include <cstddef>

#include "xlstm/base/arm.h"

namespace xlstm {
namespace {

// Names that a system or a processor does not know stand for what it does not have.
bool has(const char* name) {
  int value = 0;
  std::size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}

}  // namespace

const ArmFeatures& arm_features() {
  static const ArmFeatures features{has("hw.optional.arm.FEAT_DotProd"),
                                    has("hw.optional.arm.FEAT_I8MM"),
                                    has("hw.optional.arm.FEAT_BF16")};
  return features;
}

}  // namespace xlstm
