// Memory of the GPU: blocks that are used again, since every step asks for the same sizes. A block
// that comes back may be given out at once: all work on it is in the order of one stream.
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
#include "xlstm/cuda/device.h"

namespace xlstm::cuda {

// Memory of the host that the GPU copies to and from while the host goes on.
class PinnedBytes {
 public:
  PinnedBytes(std::shared_ptr<Device> device, std::size_t bytes);  // throws Error(kMemory)
  ~PinnedBytes();
  PinnedBytes(const PinnedBytes&) = delete;
  PinnedBytes& operator=(const PinnedBytes&) = delete;

  std::byte* data() const { return static_cast<std::byte*>(at_); }
  std::size_t size() const { return size_; }

 private:
  std::shared_ptr<Device> device_;
  void* at_ = nullptr;
  std::size_t size_;
};

// What a tensor of the CUDA backend has. The host's copy of its numbers is one of two: what was
// written for it and is not on the device yet, or what was read.
struct CudaData : TensorData {
  DevicePointer at = 0;
  std::unique_ptr<std::byte[]> written;  // to be copied to the device before its first use
  std::vector<std::byte> read;           // the numbers as they are on the device; empty: not read
  std::shared_ptr<PinnedBytes> copy;     // the same, under way until `ready`
  std::shared_ptr<Mark> ready;           // when what it holds is computed, and copied
};

// What all pools of a device use together.
struct MemoryUse {
  std::mutex mutex;
  BackendMemory bytes;
};

// May be used by several threads: a state may be dropped by another one than that which made it.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(std::shared_ptr<Device> device, std::shared_ptr<MemoryUse> use)
      : device_(std::move(device)), use_(std::move(use)) {}
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Throws Error(kMemory), which names `where`. The block comes back when the last handle goes.
  std::shared_ptr<CudaData> take(std::size_t bytes, std::string_view where);
  // The same of exactly this size, which goes back to the driver: for weights.
  std::shared_ptr<CudaData> take_for_long(std::size_t bytes, std::string_view where);
  void drop_cache() noexcept;

 private:
  struct Block;

  DevicePointer allocate(std::size_t size, std::string_view where, std::size_t wanted);
  void give_back(DevicePointer at, std::size_t size, std::size_t size_class) noexcept;
  void free_cache() noexcept;  // with the mutex held
  void free_now(DevicePointer at) noexcept;

  std::shared_ptr<Device> device_;
  std::shared_ptr<MemoryUse> use_;
  std::array<std::vector<DevicePointer>, kSizeClasses> free_;
};

}  // namespace xlstm::cuda
