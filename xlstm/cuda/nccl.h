// What the GPUs of several ranks compute together, by NCCL, which is found when the program runs:
// nothing links against it. Types and values are those of its interface
// (https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/api.html).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <span>
#include <string>

#include "xlstm/base/dtype.h"
#include "xlstm/cuda/driver.h"
#include "xlstm/group/group.h"

namespace xlstm::cuda {

struct Nccl {
  using Communicator = struct CommunicatorOfNccl*;
  struct Id {
    std::array<char, 128> bytes;
  };

  int (*ncclGetVersion)(int* version);
  const char* (*ncclGetErrorString)(int result);
  const char* (*ncclGetLastError)(Communicator communicator);
  int (*ncclGetUniqueId)(Id* id);
  int (*ncclCommInitRank)(Communicator* communicator, int ranks, Id id, int rank);
  int (*ncclCommDestroy)(Communicator communicator);
  int (*ncclCommAbort)(Communicator communicator);
  int (*ncclAllReduce)(const void* from, void* to, std::size_t count, int type, int operation,
                       Communicator communicator, Stream stream);
  int (*ncclAllGather)(const void* from, void* to, std::size_t count, int type,
                       Communicator communicator, Stream stream);
  int (*ncclBroadcast)(const void* from, void* to, std::size_t count, int type, int root,
                       Communicator communicator, Stream stream);
  int (*ncclGroupStart)();
  int (*ncclGroupEnd)();
};

// The names under which the library is looked for (open_nvidia_library()).
std::span<const std::string> nccl_names();

// All calls but abort() queue work in a stream of the GPU that is in use where the communicator is
// made; a recording takes it in. Every rank makes the same calls.
class Communicator {
 public:
  // All ranks of `group` at once. Throws Error(kUsage), with the remedy, where there is no NCCL or
  // it is too old; kInternal with what NCCL says; what the group throws.
  explicit Communicator(std::shared_ptr<Group> group,
                        std::span<const std::string> names = nccl_names());
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  // In place: `values` are of kF32 or kBF16.
  void all_sum(void* values, std::int64_t count, DType type, Stream stream);
  // The numbers of all ranks after each other: rank r's are counts[r] many.
  void gather(const void* own, std::span<const std::int64_t> counts, void* all, DType type,
              Stream stream);

  // What is queued ends, whatever others do, and its results are not to be used; what is called
  // then throws the group's error. From any thread, also while another is in a call; returns at
  // once. Does nothing the second time.
  void abort() noexcept;

 private:
  class Call;

  void check(int result, std::string_view what) const;
  [[noreturn]] void fail_as_aborted() const;

  std::shared_ptr<Group> group_;
  Nccl nccl_{};
  Nccl::Communicator communicator_ = nullptr;
  std::atomic<bool> is_aborted_{false};
  std::future<void> abort_;  // NCCL's part of it
  // Whether a thread is in a call: it may be so for longer than this lives.
  std::shared_ptr<std::atomic<bool>> is_called_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace xlstm::cuda
