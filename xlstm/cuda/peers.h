// Ranks whose GPUs write into each other's memory, over NVLink or PCIe: what few rows need of all
// ranks comes sooner than through NCCL.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/workspace.h"
#include "xlstm/group/group.h"

namespace xlstm::cuda {

// All calls queue a kernel, which a recording takes in. Every rank makes the same calls.
class Peers {
 public:
  // All ranks of `group` at once. None, on every rank, where a GPU does not reach another: one of
  // another host, one that this process does not see (CUDA_VISIBLE_DEVICES), one without a way
  // between them, or with one by which a trial's numbers do not arrive; and where two ranks are of
  // one process, since there a kernel that waits for another rank's may hold up the driver's call
  // that this one waits for. Throws what the group throws, and what the driver says.
  static std::unique_ptr<Peers> connect(Workspace& work, const std::shared_ptr<Group>& group);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // As Backend's, where they serve tensors of these shapes, which is alike on all ranks.
  bool sums(const Tensor& x) const;
  void all_sum(const Tensor& x);  // in place
  // y [T, N] of x [T, this rank's columns]; rank r's columns end at ends[r].
  bool gathers(const Tensor& x, const std::vector<std::int64_t>& ends) const;
  void all_columns(const Tensor& x, const std::vector<std::int64_t>& ends, const Tensor& y);

  // Kernels wait for the others no longer, from now on, and send them nothing more: what they give
  // is not to be used. From any thread; asks nothing of the driver.
  void give_up() noexcept;

 private:
  struct Inbox;

  Peers(Workspace& work, std::shared_ptr<Group> group);
  Inbox inbox() const;
  bool open(const std::vector<Inbox>& all);
  bool numbers_arrive();
  bool sums_arrive(DType type);
  bool columns_arrive();

  Workspace& work_;
  std::shared_ptr<Group> group_;
  DevicePointer own_ = 0;  // what others write to, then the calls
  std::unique_ptr<PinnedBytes> given_up_;
  PeerArgs args_{};
  std::vector<DevicePointer> opened_;  // of other processes
};

}  // namespace xlstm::cuda
