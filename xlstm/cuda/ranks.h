// The ops of several ranks, each of which has a GPU of its own: of few rows by their GPUs writing
// into each other's memory, where these can, of many by NCCL.
#pragma once

#include <cstdint>
#include <memory>

#include "xlstm/cuda/nccl.h"
#include "xlstm/cuda/peers.h"
#include "xlstm/cuda/workspace.h"
#include "xlstm/group/group.h"

namespace xlstm::cuda {

// The number of this rank's GPU; 0 without a group. Throws Error(kUsage) where there are too few.
int device_for(const Group* group);

class Ranks {
 public:
  // None without a group. Throws Error(kUsage) where ranks have the same GPU, and as Communicator.
  static std::unique_ptr<Ranks> connect(Workspace& work, const std::shared_ptr<Group>& group);

  // As Backend's.
  Tensor all_sum(Tensor x);
  Tensor all_columns(const Tensor& x, std::int64_t N);

 private:
  Ranks(Workspace& work, const std::shared_ptr<Group>& group);

  Workspace& work_;
  int size_;
  Communicator communicator_;
  std::unique_ptr<Peers> peers_;  // none: NCCL does it all
};

}  // namespace xlstm::cuda
