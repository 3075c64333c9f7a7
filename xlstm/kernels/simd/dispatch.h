// Highway's targets for kernels, and the choice among them: to be included before Highway's own
// headers by every file with kernels, but for those of one target and instructions of their own.
#pragma once

// On x86: AVX3, AVX2, SSE4 and the baseline. A better target is a lower bit; what newer versions of
// Highway have above AVX3 is left to our files for such instructions, and SSSE3 without SSE4 is not
// worth its build time. On ARM: NEON. Accumulators are arrays of vectors, which vectors of unknown
// length cannot be in; processors that have such have NEON too.
#define HWY_DISABLED_TARGETS \
  ((HWY_AVX3 - 1) | HWY_SSSE3 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#include <hwy/targets.h>

#include <cstddef>

namespace xlstm::kernels {

// The best target within the limit of kernels/simd/simd.h. Not Highway's own choice, which belongs
// to the whole process and which others change.
const hwy::ChosenTarget& simd_target();

}  // namespace xlstm::kernels

// HWY_DYNAMIC_DISPATCH with that target. The table of a build for one target has one entry.
#define XLSTM_DISPATCH(FUNCTION)                                         \
  (*(HWY_DISPATCH_TABLE(FUNCTION)[(HWY_TARGETS & (HWY_TARGETS - 1)) == 0 \
                                      ? std::size_t{0}                   \
                                      : ::xlstm::kernels::simd_target().GetIndex()]))
