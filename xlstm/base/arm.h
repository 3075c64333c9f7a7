// Which of 64-bit ARM's later instructions this processor has.
#pragma once

namespace xlstm {

struct ArmFeatures {
  bool dot = false;          // SDOT: products of bytes, added in fours
  bool int8_matrix = false;  // SMMLA: products of 2 x 8 with 8 x 2 bytes
  bool bf16_matrix = false;  // BFMMLA: products of 2 x 4 with 4 x 2 bfloat16
};

// None on other processors.
const ArmFeatures& arm_features();

}  // namespace xlstm
