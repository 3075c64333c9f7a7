// The check shared by the forms of the mLSTM op.
#pragma once

#include <string_view>

#include "xlstm/ops/ops.h"

namespace xlstm::ops {

struct MlstmSizes {
  int B, S, NH, DHQK, DHV;
};

MlstmSizes check_mlstm(std::string_view op, const MlstmInput& in, const MlstmState& state);

}  // namespace xlstm::ops
