// The sLSTM cell: how its work is divided.
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/backend/weights.h"
#include "xlstm/cuda/state_batch.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

// Weights as the kernels take them: R [NH, DH, 4 * DH] with the four gates of a unit beside each
// other.
SlstmWeights prepare_slstm(Workspace& work, SlstmWeights weights);

// As Backend's op of this name; `weights` are prepared.
Tensor slstm_scan(Workspace& work, const Tensor& gates_if, const Tensor& gates_zo,
                  const SlstmWeights& weights, LayerState state);

struct SlstmSizes {
  std::int64_t B, S, NH, DH;
  std::size_t weight_bytes;  // of a number of R
};

// What a GPU has.
struct SlstmDevice {
  int multiprocessors;
  std::size_t shared_bytes;  // of a block
  bool clusters;
};

struct SlstmPlan {
  int blocks;     // of a cluster, which share a head
  int rows;       // sequences of a cluster: 1, 4 or 8
  bool resident;  // whether R is kept in shared memory, else read anew at every token
  std::size_t shared_bytes;
};

SlstmPlan plan_slstm(const SlstmSizes& sizes, const SlstmDevice& device);

}  // namespace xlstm::cuda
