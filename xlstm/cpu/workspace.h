// The memory of tensors on the CPU: blocks that are used again, since every step asks for the same
// sizes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/base/size_classes.h"

namespace xlstm::cpu {

// What a tensor of the CPU backend has: bytes at the start of a cache line.
struct CpuData : TensorData {
  std::byte* bytes = nullptr;
};

// May be used by several threads: a state may be dropped by another one than that which made it.
class Workspace : public std::enable_shared_from_this<Workspace> {
 public:
  Workspace() = default;
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  // Throws Error(kMemory), which names `where`. The block comes back when the last handle goes.
  std::shared_ptr<CpuData> take(std::size_t bytes, std::string_view where);

  // Counts memory of tensors that is not taken from here: weights. Negative where it goes.
  void count_other(std::int64_t bytes);

  BackendMemory memory() const;
  void drop_cache() noexcept;

 private:
  struct Block;

  void give_back(std::byte* bytes, std::size_t size_class) noexcept;
  void free_cache() noexcept;  // with mutex_ held

  mutable std::mutex mutex_;
  std::array<std::vector<std::byte*>, kSizeClasses> free_;
  BackendMemory use_;
};

}  // namespace xlstm::cpu
