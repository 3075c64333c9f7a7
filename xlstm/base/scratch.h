// Memory that is kept from call to call.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <thread>
#include <vector>

namespace xlstm {

// Grows to the largest size asked for, and stays. Uninitialised; starts at a multiple of 128 bytes.
class Scratch {
 public:
  // Throw Error(kMemory), which names `where`.
  std::byte* bytes(std::size_t count, std::string_view where);
  float* floats(std::size_t count, std::string_view where);
  std::size_t size() const { return size_; }

 private:
  struct Free {
    std::align_val_t alignment;
    void operator()(std::byte* memory) const { ::operator delete(memory, alignment); }
  };

  std::unique_ptr<std::byte, Free> memory_{nullptr, Free{}};
  std::size_t size_ = 0;
};

class ScratchPool;

// Memory of a ScratchPool, given back at the end of this object's life.
class ScratchLease {
 public:
  ~ScratchLease();
  ScratchLease(const ScratchLease&) = delete;
  ScratchLease& operator=(const ScratchLease&) = delete;

  std::byte* bytes() const { return memory_; }
  float* floats() const { return reinterpret_cast<float*>(memory_); }

 private:
  friend class ScratchPool;
  ScratchLease(ScratchPool& pool, Scratch scratch, std::byte* memory)
      : pool_(pool), scratch_(std::move(scratch)), memory_(memory) {}

  ScratchPool& pool_;
  Scratch scratch_;
  std::byte* memory_;
};

// As many pieces of scratch memory as were leased at once. A thread gets one that it had before if
// there is any, whose lines may still be in its core's caches; of those the smallest that is large
// enough, so that sizes do not all grow to the largest.
class ScratchPool {
 public:
  // Uninitialised; starts at a multiple of 128 bytes. Throws Error(kMemory), which names `where`.
  // Any thread may ask. The lease must not outlive the pool.
  ScratchLease lease(std::size_t bytes, std::string_view where);

 private:
  friend class ScratchLease;
  struct Kept {
    std::thread::id last;  // who had it
    Scratch scratch;
  };

  Scratch take(std::size_t bytes);
  void give_back(Scratch scratch) noexcept;

  std::mutex mutex_;
  std::vector<Kept> kept_;
  std::size_t made_ = 0;
};

}  // namespace xlstm
