#include "xlstm/engine/environment.h"

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/simd/simd.h"

namespace xlstm {

void check_environment() {
  default_thread_count();
  kernels::simd_cap();
}

}  // namespace xlstm
