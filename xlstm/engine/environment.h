// What environment variables say to all that computes.
#pragma once

namespace xlstm {

// Throws Error(kUsage) for a wrong XLSTM_THREADS or XLSTM_SIMD, which would otherwise be told by
// the first kernel.
void check_environment();

}  // namespace xlstm
