// What the ops of a CUDA backend share: its device, the memory that they take, and its kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "xlstm/cuda/memory.h"
#include "xlstm/cuda/programs.h"

namespace xlstm::cuda {

class Workspace {
 public:
  explicit Workspace(int device = 0);  // throws as Device does

  Device& device() { return *device_; }
  const std::shared_ptr<Device>& shared_device() { return device_; }
  Programs& programs() { return programs_; }

  // --- memory --------------------------------------------------------------------------------
  Tensor allocate(const TensorShape& shape, DType dtype, std::string_view where);
  Tensor allocate_for_long(const TensorShape& shape, DType dtype, std::string_view where);
  std::span<std::byte> writable(Tensor& tensor);
  BackendMemory memory() const;
  void drop_cache();

  // Takes memory from another pool meanwhile, for ops that are to be repeated: nobody else may have
  // what they use. Returns the pool until now.
  std::shared_ptr<Pool> exchange_pool(std::shared_ptr<Pool> pool);
  std::shared_ptr<Pool> new_pool() const;

  // --- tensors as kernels take them ----------------------------------------------------------
  // Where a tensor's numbers are on the device; what the host wrote goes there first.
  DevicePointer at(const Tensor& tensor);
  template <typename T = void>
  T* pointer(const Tensor& tensor) {
    return tensor ? reinterpret_cast<T*>(at(tensor)) : nullptr;
  }
  // The same of a tensor that is about to be written: what the host has read is no longer true.
  template <typename T = void>
  T* to_write(const Tensor& tensor) {
    T* const address = pointer<T>(tensor);
    forget_read(tensor);
    return address;
  }
  void copy(const Tensor& to, const Tensor& from);  // of as many bytes
  // `rows` pieces of `width` elements, `to_stride` and `from_stride` elements from each to the
  // next.
  void copy_rows(const Tensor& to, std::int64_t to_begin, const Tensor& from,
                 std::int64_t from_begin, std::int64_t rows, std::int64_t width,
                 std::int64_t to_stride, std::int64_t from_stride);
  Tensor copy_of(const Tensor& tensor, std::string_view where);

  // --- the host ------------------------------------------------------------------------------
  // Begins to bring these to the host where they are small, and marks when they are computed.
  void begin_reading(std::span<const Tensor> tensors);
  void wait_for(std::span<const Tensor> tensors);
  std::span<const std::byte> read(const Tensor& tensor);

 private:
  static void forget_read(const Tensor& tensor);

  std::shared_ptr<Device> device_;
  std::shared_ptr<MemoryUse> use_;
  std::shared_ptr<Pool> pool_;
  Programs programs_;
};

inline CudaData& data_of(const Tensor& tensor) {
  return *static_cast<CudaData*>(tensor.data().get());
}

}  // namespace xlstm::cuda
