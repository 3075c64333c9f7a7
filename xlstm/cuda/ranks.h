// The ops of several ranks, each of which has a GPU of its own: of few rows by their GPUs writing
// into each other's memory, where these can, of many by NCCL.
#pragma once

#include <cstdint>
#include <memory>

#include "xlstm/cuda/nccl.h"
#include "xlstm/cuda/peers.h"
#include "xlstm/cuda/workspace.h"
#include "xlstm/group/group.h"
#include "xlstm/group/group_watch.h"

namespace xlstm::cuda {

// The number of this rank's GPU; 0 without a group. Throws Error(kUsage) where there are too few.
int device_for(const Group* group);

// Where another rank fails or dies, the GPU waits for its numbers no longer than the patience of a
// GroupWatch; from then on what waits for the device throws the group's error.
class Ranks {
 public:
  // None without a group. Throws Error(kUsage) where ranks have the same GPU, and as Communicator.
  static std::unique_ptr<Ranks> connect(Workspace& work, const std::shared_ptr<Group>& group);

  // When the device's work has ended: afterwards nothing ends what waits for the others.
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  // As Backend's.
  Tensor all_sum(Tensor x);
  Tensor all_columns(const Tensor& x, std::int64_t N);

 private:
  Ranks(Workspace& work, const std::shared_ptr<Group>& group);
  void give_up() noexcept;

  Workspace& work_;
  int size_;
  Communicator communicator_;
  std::unique_ptr<Peers> peers_;  // none: NCCL does it all
  GroupWatch watch_;              // last: it calls the others
};

}  // namespace xlstm::cuda
