#include "xlstm/cuda/workspace.h"

#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"

namespace xlstm::cuda {
namespace {

constexpr std::size_t kSmall = std::size_t{1} << 16;  // bytes that are read ahead

}  // namespace

Workspace::Workspace(int device)
    : device_(std::make_shared<Device>(device)),
      use_(std::make_shared<MemoryUse>()),
      pool_(new_pool()),
      programs_(device_) {}

Tensor Workspace::allocate(const TensorShape& shape, DType dtype, std::string_view where) {
  const std::size_t bytes = static_cast<std::size_t>(shape.elements()) * size_of(dtype);
  return {shape, dtype, pool_->take(bytes, where)};
}

Tensor Workspace::allocate_for_long(const TensorShape& shape, DType dtype, std::string_view where) {
  const std::size_t bytes = static_cast<std::size_t>(shape.elements()) * size_of(dtype);
  return {shape, dtype, pool_->take_for_long(bytes, where)};
}

std::span<std::byte> Workspace::writable(Tensor& tensor) {
  CudaData& data = data_of(tensor);
  if (data.written == nullptr) {
    data.written.reset(new (std::nothrow) std::byte[std::max<std::size_t>(tensor.bytes(), 1)]);
    if (data.written == nullptr) {
      fail_wanted(ErrorKind::kMemory, "cuda", str(human_bytes(tensor.bytes()), " of the host"),
                  "none left");
    }
  }
  return {data.written.get(), tensor.bytes()};
}

BackendMemory Workspace::memory() const {
  const std::lock_guard lock(use_->mutex);
  return use_->bytes;
}

void Workspace::drop_cache() {
  device_->synchronize();
  pool_->drop_cache();
}

std::shared_ptr<Pool> Workspace::exchange_pool(std::shared_ptr<Pool> pool) {
  return std::exchange(pool_, std::move(pool));
}

std::shared_ptr<Pool> Workspace::new_pool() const {
  return std::make_shared<Pool>(device_, use_);
}

DevicePointer Workspace::at(const Tensor& tensor) {
  CudaData& data = data_of(tensor);
  if (data.written != nullptr) {
    // In the order of the stream: the block may have been somebody else's until now.
    device_->driver().check(device_->driver().cuMemcpyHtoDAsync_v2(
                                data.at, data.written.get(), tensor.bytes(), device_->stream()),
                            "numbers to go to the GPU");
    data.written.reset();
  }
  return data.at;
}

void Workspace::forget_read(const Tensor& tensor) {
  CudaData& data = data_of(tensor);
  data.read.clear();
  data.copy.reset();
  data.ready.reset();
}

void Workspace::copy(const Tensor& to, const Tensor& from) {
  if (from.bytes() == 0) return;
  const DevicePointer source = at(from);
  forget_read(to);
  device_->driver().check(device_->driver().cuMemcpyDtoDAsync_v2(data_of(to).at, source,
                                                                 from.bytes(), device_->stream()),
                          "a copy on the GPU");
}

void Workspace::copy_rows(const Tensor& to, std::int64_t to_begin, const Tensor& from,
                          std::int64_t from_begin, std::int64_t rows, std::int64_t width,
                          std::int64_t to_stride, std::int64_t from_stride) {
  if (rows == 0 || width == 0) return;
  const auto bytes = [&](std::int64_t elements) {
    return static_cast<std::size_t>(elements) * size_of(from.dtype());
  };
  device_->use();
  const Driver& d = device_->driver();
  const DevicePointer source = at(from) + bytes(from_begin);
  const DevicePointer target = data_of(to).at + bytes(to_begin);
  if (rows == 1 || (width == to_stride && width == from_stride)) {
    d.check(d.cuMemcpyDtoDAsync_v2(target, source, bytes(rows * width), device_->stream()),
            "a copy on the GPU");
    return;
  }
  Copy2D copy;
  copy.from = source;
  copy.from_pitch = bytes(from_stride);
  copy.to = target;
  copy.to_pitch = bytes(to_stride);
  copy.bytes_in_row = bytes(width);
  copy.rows = static_cast<std::size_t>(rows);
  d.check(d.cuMemcpy2DAsync_v2(&copy, device_->stream()), "a copy of rows on the GPU");
}

Tensor Workspace::copy_of(const Tensor& tensor, std::string_view where) {
  Tensor own = allocate(tensor.shape(), tensor.dtype(), where);
  copy(own, tensor);
  return own;
}

void Workspace::begin_reading(std::span<const Tensor> tensors) {
  bool any = false;
  for (const Tensor& tensor : tensors) {
    if (!tensor) continue;
    CudaData& data = data_of(tensor);
    if (data.written != nullptr || data.ready != nullptr || !data.read.empty()) continue;
    any = true;
    if (tensor.bytes() == 0 || tensor.bytes() > kSmall) continue;
    data.copy = std::make_shared<PinnedBytes>(device_, tensor.bytes());
    device_->driver().check(device_->driver().cuMemcpyDtoHAsync_v2(
                                data.copy->data(), data.at, tensor.bytes(), device_->stream()),
                            "numbers to come from the GPU");
  }
  if (!any) return;
  const auto mark = std::make_shared<Mark>(device_);
  for (const Tensor& tensor : tensors) {
    if (!tensor) continue;
    CudaData& data = data_of(tensor);
    if (data.ready == nullptr) data.ready = mark;
  }
}

void Workspace::wait_for(std::span<const Tensor> tensors) {
  bool all = false;
  for (const Tensor& tensor : tensors) {
    if (!tensor || data_of(tensor).written != nullptr) continue;
    if (data_of(tensor).ready != nullptr) {
      data_of(tensor).ready->wait();
    } else {
      all = true;
    }
  }
  if (all) device_->synchronize();
}

std::span<const std::byte> Workspace::read(const Tensor& tensor) {
  CudaData& data = data_of(tensor);
  if (tensor.bytes() == 0) return {};
  if (data.written != nullptr) return {data.written.get(), tensor.bytes()};
  if (data.copy != nullptr) {
    data.ready->wait();
    return {data.copy->data(), tensor.bytes()};
  }
  if (data.read.empty()) {
    std::vector<std::byte> read(tensor.bytes());  // the tensor's when it has come well
    device_->driver().check(device_->driver().cuMemcpyDtoHAsync_v2(
                                read.data(), data.at, tensor.bytes(), device_->stream()),
                            "numbers to come from the GPU");
    device_->synchronize();
    data.read = std::move(read);
  }
  return data.read;
}

}  // namespace xlstm::cuda
