#include "xlstm/cuda/device.h"

#include <array>
#include <exception>

#include "xlstm/base/error.h"

namespace xlstm::cuda {
namespace {

// CUdevice_attribute
constexpr int kMultiprocessors = 16, kMajor = 75, kMinor = 76, kSharedOptIn = 97;
constexpr int kOldestCapability = 80;
constexpr unsigned kNonBlocking = 1;  // CU_STREAM_NON_BLOCKING
constexpr unsigned kNoTiming = 2;     // CU_EVENT_DISABLE_TIMING

}  // namespace

Device::Device(int number) : driver_(load_driver()) {
  const Driver& d = *driver_;
  int count = 0;
  if (d.cuDeviceGetCount(&count) != kSuccess || count == 0) {
    fail_wanted(ErrorKind::kUsage, "device",
                "an NVIDIA GPU (nvidia-smi lists them; CUDA_VISIBLE_DEVICES may hide them), or "
                "--device cpu",
                "none");
  }
  d.check(d.cuDeviceGet(&device_, number), str("GPU number ", number));
  std::array<char, 256> name{};
  d.check(d.cuDeviceGetName(name.data(), static_cast<int>(name.size()), device_), "its name");
  name_ = name.data();
  capability_ = 10 * attribute(kMajor) + attribute(kMinor);
  if (capability_ < kOldestCapability) {
    fail_wanted(ErrorKind::kUsage, "device",
                "a GPU of compute capability 8.0 or newer (Ampere, 2020), or --device cpu",
                str(name_, " of ", capability_ / 10, ".", capability_ % 10));
  }
  multiprocessors_ = attribute(kMultiprocessors);
  shared_bytes_ = attribute(kSharedOptIn);
  std::size_t bytes = 0;
  d.check(d.cuDeviceTotalMem_v2(&bytes, device_), "its memory");
  memory_ = bytes;
  d.check(d.cuDevicePrimaryCtxRetain(&context_, device_), str("a context on ", name_));
  try {
    use();
    d.check(d.cuStreamCreate(&stream_, kNonBlocking), "a stream");
  } catch (...) {
    d.cuDevicePrimaryCtxRelease_v2(device_);
    throw;
  }
}

Device::~Device() {
  driver_->cuCtxSetCurrent(context_);
  driver_->cuStreamSynchronize(stream_);
  driver_->cuStreamDestroy_v2(stream_);
  driver_->cuDevicePrimaryCtxRelease_v2(device_);
}

int Device::attribute(int which) const {
  int value = 0;
  driver_->check(driver_->cuDeviceGetAttribute(&value, which, device_), "a fact about the GPU");
  return value;
}

DeviceId Device::id() const {
  DeviceId id{};
  driver_->check(driver_->cuDeviceGetUuid_v2(&id, device_), "the GPU's identity");
  return id;
}

bool Device::reaches(const DeviceId& peer) const {
  int count = 0;
  driver_->check(driver_->cuDeviceGetCount(&count), "the number of GPUs");
  for (int number = 0; number < count; ++number) {
    int device = 0, can = 0;
    DeviceId id{};
    driver_->check(driver_->cuDeviceGet(&device, number), str("GPU number ", number));
    driver_->check(driver_->cuDeviceGetUuid_v2(&id, device), "the GPU's identity");
    if (id != peer) continue;
    if (device == device_) return true;
    driver_->check(driver_->cuDeviceCanAccessPeer(&can, device_, device), "a fact about two GPUs");
    return can != 0;
  }
  return false;
}

void Device::synchronize() const {
  use();
  check_end(driver_->cuStreamSynchronize(stream_));
}

void Device::check_end(int result) const {
  check();  // before what the end of another rank may have done to this one's work
  driver_->check(result, "work on the GPU to end well");
}

Mark::Mark(std::shared_ptr<Device> device) : device_(std::move(device)) {
  const Driver& d = device_->driver();
  d.check(d.cuEventCreate(&event_, kNoTiming), "an event");
  if (const int result = d.cuEventRecord(event_, device_->stream()); result != kSuccess) {
    d.cuEventDestroy_v2(event_);
    d.check(result, "an event in the stream");
  }
}

Mark::~Mark() {
  device_->driver().cuEventDestroy_v2(event_);
}

void Mark::wait() const {
  device_->check_end(device_->driver().cuEventSynchronize(event_));
}

bool has_device() noexcept {
  try {
    const std::shared_ptr<const Driver> driver = load_driver();
    int count = 0, device = 0, major = 0;
    return driver->cuDeviceGetCount(&count) == kSuccess && count > 0 &&
           driver->cuDeviceGet(&device, 0) == kSuccess &&
           driver->cuDeviceGetAttribute(&major, kMajor, device) == kSuccess &&
           10 * major >= kOldestCapability;
  } catch (const std::exception&) {
    return false;
  }
}

int device_count() noexcept {
  try {
    int count = 0;
    return load_driver()->cuDeviceGetCount(&count) == kSuccess ? count : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace xlstm::cuda
