// One GPU with a stream of its own, on which all of a backend's work goes in order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "xlstm/cuda/driver.h"

namespace xlstm::cuda {

class Device {
 public:
  // A GPU by its number among those that are to be seen. Throws Error(kUsage), with the remedy,
  // where there is none that serves.
  explicit Device(int number = 0);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const Driver& driver() const { return *driver_; }
  Stream stream() const { return stream_; }
  const std::string& name() const { return name_; }
  DeviceId id() const;
  // Whether the GPU of that identity is seen here, and this one may read and write its memory.
  bool reaches(const DeviceId& peer) const;
  int capability() const { return capability_; }  // 90 for 9.0
  int multiprocessors() const { return multiprocessors_; }
  int shared_bytes() const { return shared_bytes_; }  // that a block may have
  // Of these, what a launch may give it: kernels have some of their own.
  int dynamic_shared_bytes() const { return shared_bytes_ - (16 << 10); }
  std::uint64_t memory() const { return memory_; }  // bytes of the card

  // The driver keeps for each thread which device it speaks to.
  void use() const { driver_->check(driver_->cuCtxSetCurrent(context_), "its context"); }
  void bind() const noexcept { driver_->cuCtxSetCurrent(context_); }  // the same, where errors pass
  void synchronize() const;

  // `check` throws where what the GPU computes is not to be used: asked after each wait for it
  // (synchronize(), Mark), and by what is to begin nothing more. None: it always is.
  void set_check(std::function<void()> check) { check_ = std::move(check); }
  void check() const {
    if (check_) check_();
  }
  // After a wait of this result: throws what check() does, then what the driver says.
  void check_end(int result) const;

 private:
  int attribute(int which) const;

  std::shared_ptr<const Driver> driver_;
  int device_ = 0;
  Context context_ = nullptr;
  Stream stream_ = nullptr;
  std::string name_;
  int capability_ = 0, multiprocessors_ = 0, shared_bytes_ = 0;
  std::uint64_t memory_ = 0;
  std::function<void()> check_;
};

// A point in a stream that the host can wait for.
class Mark {
 public:
  explicit Mark(std::shared_ptr<Device> device);  // here
  ~Mark();
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;

  void wait() const;

 private:
  std::shared_ptr<Device> device_;
  Event event_ = nullptr;
};

// Whether a driver and a card are there that a backend can use.
bool has_device() noexcept;

// GPUs that are to be seen; 0 also where there is no driver.
int device_count() noexcept;

}  // namespace xlstm::cuda
