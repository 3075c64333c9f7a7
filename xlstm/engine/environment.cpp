#include "xlstm/engine/environment.h"

#include "xlstm/base/threads.h"
#include "xlstm/kernels/simd/simd.h"

namespace xlstm {

void check_environment() {
  thread_count();
  kernels::simd_cap();
}

}  // namespace xlstm
