// Checkpoints of random weights that exist nowhere: for benchmarks of sizes that one does not have.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// Sizes of an xLSTM-large model; DHQK is half of DHV, D = NH * DHV, and the FFN's width follows as
// the Hugging Face configuration computes it.
struct SyntheticSize {
  std::string name;  // "400m"
  std::int64_t D, L, NH, V;
};

// "tiny" (for tests), "400m", "1b", "3b", "7b" (xLSTM-7B's own sizes).
const std::vector<SyntheticSize>& synthetic_sizes();

struct Synthetic {
  std::string config_json;
  std::unique_ptr<TensorSource> source;  // bfloat16; numbers are made when they are read
};

// Weights are uniform with standard deviation 1 / sqrt(K), so that activations stay finite; norms
// are 1. The same at every call. Throws Error(kUsage) for a name that is none of the sizes.
Synthetic make_synthetic(std::string_view name);

}  // namespace xlstm
