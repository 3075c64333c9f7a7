// What the forms of the mLSTM op share: the check, and the op that runs a kernel.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "xlstm/kernels/mlstm_step/mlstm_step_args.h"
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

// Of a kernel of mlstm_node(): the state in its outputs, made what it is in its inputs.
std::vector<kernels::MlstmStatePointers> copied_states(const CpuBuffers& t, std::size_t B,
                                                       std::size_t NH, std::size_t DHQK,
                                                       std::size_t DHV);

}  // namespace xlstm::ops
