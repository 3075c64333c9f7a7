// What the forms of the mLSTM op share: the check, and the op that runs a kernel.
#pragma once

#include <functional>
#include <string_view>

#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/ops.h"

namespace xlstm::ops {

struct MlstmSizes {
  int B, S, NH, DHQK, DHV;
};

MlstmSizes check_mlstm(std::string_view op, const MlstmInput& in, const MlstmState& state);

// An op on the CPU whose kernel gets q, k, v, i, f and the state, and fills h and the state after,
// in place where nobody else holds it. `name` lives as long as the program.
MlstmOutput mlstm_node(const char* name, CpuKernel kernel, const MlstmInput& in,
                       const MlstmState& state, const MlstmSizes& s);

}  // namespace xlstm::ops
