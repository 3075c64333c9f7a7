#include "xlstm/cuda/memory.h"

#include <algorithm>
#include <new>

#include "xlstm/base/ceil_div.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"

namespace xlstm::cuda {
namespace {

constexpr std::size_t kExact = SIZE_MAX;  // the class of blocks that are not kept

}  // namespace

PinnedBytes::PinnedBytes(std::shared_ptr<Device> device, std::size_t bytes)
    : device_(std::move(device)), size_(bytes) {
  device_->driver().check(
      device_->driver().cuMemAllocHost_v2(&at_, std::max<std::size_t>(bytes, 1)),
      str(human_bytes(bytes), " of the host's memory that the GPU can reach"));
}

PinnedBytes::~PinnedBytes() {
  device_->driver().cuMemFreeHost(at_);
}

struct Pool::Block : CudaData {
  Block(std::shared_ptr<Pool> from, DevicePointer memory, std::size_t bytes, std::size_t of_class)
      : pool(std::move(from)), size(bytes), size_class(of_class) {
    at = memory;
  }
  ~Block() override { pool->give_back(at, size, size_class); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  std::shared_ptr<Pool> pool;
  std::size_t size, size_class;
};

Pool::~Pool() {
  drop_cache();
}

// With the mutex held.
DevicePointer Pool::allocate(std::size_t size, std::string_view where, std::size_t wanted) {
  const Driver& d = device_->driver();
  DevicePointer at = 0;
  device_->use();
  int result = d.cuMemAlloc_v2(&at, size);
  if (result == kOutOfMemory) {  // blocks of other sizes may be what is in the way
    d.cuStreamSynchronize(device_->stream());
    free_cache();
    result = d.cuMemAlloc_v2(&at, size);
  }
  if (result == kOutOfMemory) {
    std::size_t left = 0, all = 0;
    d.cuMemGetInfo_v2(&left, &all);
    fail_wanted(ErrorKind::kMemory, where,
                str(human_bytes(wanted), " (", wanted, " bytes) of the GPU's memory"),
                str(human_bytes(left), " left of ", human_bytes(all)));
  }
  d.check(result, "memory of the GPU");
  use_->bytes.active += size;
  use_->bytes.peak = std::max(use_->bytes.peak, use_->bytes.active);
  return at;
}

std::shared_ptr<CudaData> Pool::take(std::size_t bytes, std::string_view where) {
  if (bytes > SIZE_MAX / 8) {
    fail_wanted(ErrorKind::kMemory, where, str(bytes, " bytes"), "none left");
  }
  const std::size_t size_class = size_class_of(bytes), size = size_of_class(size_class);
  DevicePointer at = 0;
  {
    const std::lock_guard lock(use_->mutex);
    std::vector<DevicePointer>& blocks = free_[size_class];
    if (blocks.empty()) {
      at = allocate(size, where, bytes);
    } else {
      at = blocks.back();
      blocks.pop_back();
      use_->bytes.cache -= size;
      use_->bytes.active += size;
      use_->bytes.peak = std::max(use_->bytes.peak, use_->bytes.active);
    }
  }
  try {
    return std::make_shared<Block>(shared_from_this(), at, size, size_class);
  } catch (...) {
    give_back(at, size, size_class);
    throw;
  }
}

std::shared_ptr<CudaData> Pool::take_for_long(std::size_t bytes, std::string_view where) {
  const std::size_t size = std::max(round_up(bytes, kSmallestBlock), kSmallestBlock);
  DevicePointer at = 0;
  {
    const std::lock_guard lock(use_->mutex);
    at = allocate(size, where, bytes);
  }
  try {
    return std::make_shared<Block>(shared_from_this(), at, size, kExact);
  } catch (...) {
    give_back(at, size, kExact);
    throw;
  }
}

void Pool::give_back(DevicePointer at, std::size_t size, std::size_t size_class) noexcept {
  const std::lock_guard lock(use_->mutex);
  use_->bytes.active -= size;
  if (size_class != kExact) {
    try {
      free_[size_class].push_back(at);
      use_->bytes.cache += size;
      return;
    } catch (const std::bad_alloc&) {
    }
  }
  free_now(at);
}

void Pool::drop_cache() noexcept {
  const std::lock_guard lock(use_->mutex);
  free_cache();
}

void Pool::free_cache() noexcept {
  for (std::size_t size_class = 0; size_class < kSizeClasses; ++size_class) {
    for (const DevicePointer at : free_[size_class]) {
      free_now(at);
      use_->bytes.cache -= size_of_class(size_class);
    }
    free_[size_class].clear();
  }
}

// cuMemFree waits for all work on the device, so nothing still uses the memory.
void Pool::free_now(DevicePointer at) noexcept {
  device_->bind();
  device_->driver().cuMemFree_v2(at);
}

}  // namespace xlstm::cuda
