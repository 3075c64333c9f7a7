// What a device of its own can do: the yardsticks that speed on it is measured by.
#pragma once

namespace xlstm {

struct DeviceRates {
  double copy_gbs = 0;        // GB/s of a copy within its memory, bytes read and written
  double read_gbs = 0;        // GB/s that are only read
  double float32_gflops = 0;  // products of matrices, GFLOP/s; 0: none measured
  double bf16_gflops = 0;
};

}  // namespace xlstm
