// Checkpoints of random weights that exist nowhere: for benchmarks of sizes that one does not have.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

struct Synthetic {
  std::string config_json;
  std::unique_ptr<TensorSource> source;  // bfloat16; numbers are made when they are read
};

// Of xLSTM-large "tiny" (for tests), "400m", "1b", "3b", "7b" (xLSTM-7B's own sizes); of the first
// paper's blocks, with sLSTM blocks among them, "mixed-tiny" and "mixed-400m" (as xLSTM[7:1]
// there). Forecasters: "tirex-tiny" (for tests), "tirex-35m" and "tirex2-82m", the sizes of the
// published TiRex and TiRex-2.
std::vector<std::string> synthetic_names();

// Weights are uniform with standard deviation 1 / sqrt(K), so that activations stay finite; norms
// are 1, or near it. The same at every call. Throws Error(kUsage) for a name that is none of these.
Synthetic make_synthetic(std::string_view name);

}  // namespace xlstm
