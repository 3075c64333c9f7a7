#include "xlstm/kernels/simd/simd_processor.h"

#if !defined(__x86_64__) && !defined(__aarch64__)
namespace xlstm::kernels {
namespace {

// Whatever Highway has for it.
constexpr SimdClass kClasses[] = {{"vectors", 0, 0, 0}};

}  // namespace

SimdProcessor simd_processor(std::int64_t /*targets*/) {
  return {kClasses, 0};
}

}  // namespace xlstm::kernels
#endif
