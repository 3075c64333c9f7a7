#include "xlstm/cuda/driver.h"

#include <array>

#include "xlstm/base/error.h"
#include "xlstm/cuda/shared_library.h"

namespace xlstm::cuda {
namespace {

constexpr int kOldest = 12000;  // CUDA 12: dependent launches, graphs as we capture them
constexpr const char* kRemedy =
    "install NVIDIA's driver (525 or newer: https://www.nvidia.com/drivers), or run with --device "
    "cpu";

template <typename Pointer>
void find(const SharedLibrary& library, const char* name, Pointer& function) {
  void* const address = library.find(name);
  if (address == nullptr) {
    fail_wanted(ErrorKind::kUsage, "cuda", str("a driver with ", name, "; ", kRemedy),
                "an older one");
  }
  function = reinterpret_cast<Pointer>(address);
}

void fill(const SharedLibrary& library, Driver& d) {
#define XLSTM_FIND(name) find(library, #name, d.name)
  XLSTM_FIND(cuInit);
  XLSTM_FIND(cuDriverGetVersion);
  XLSTM_FIND(cuGetErrorName);
  XLSTM_FIND(cuGetErrorString);
  XLSTM_FIND(cuDeviceGetCount);
  XLSTM_FIND(cuDeviceGet);
  XLSTM_FIND(cuDeviceGetName);
  XLSTM_FIND(cuDeviceGetAttribute);
  XLSTM_FIND(cuDeviceGetUuid_v2);
  XLSTM_FIND(cuDeviceTotalMem_v2);
  XLSTM_FIND(cuDevicePrimaryCtxRetain);
  XLSTM_FIND(cuDevicePrimaryCtxRelease_v2);
  XLSTM_FIND(cuCtxSetCurrent);
  XLSTM_FIND(cuDeviceCanAccessPeer);
  XLSTM_FIND(cuIpcGetMemHandle);
  XLSTM_FIND(cuIpcOpenMemHandle_v2);
  XLSTM_FIND(cuIpcCloseMemHandle);
  XLSTM_FIND(cuMemGetInfo_v2);
  XLSTM_FIND(cuMemAlloc_v2);
  XLSTM_FIND(cuMemFree_v2);
  XLSTM_FIND(cuMemAllocHost_v2);
  XLSTM_FIND(cuMemFreeHost);
  XLSTM_FIND(cuMemcpyHtoD_v2);
  XLSTM_FIND(cuMemcpyHtoDAsync_v2);
  XLSTM_FIND(cuMemcpyDtoHAsync_v2);
  XLSTM_FIND(cuMemcpyDtoDAsync_v2);
  XLSTM_FIND(cuMemcpy2DAsync_v2);
  XLSTM_FIND(cuMemsetD32Async);
  XLSTM_FIND(cuStreamCreate);
  XLSTM_FIND(cuStreamDestroy_v2);
  XLSTM_FIND(cuStreamSynchronize);
  XLSTM_FIND(cuStreamBeginCapture_v2);
  XLSTM_FIND(cuStreamEndCapture);
  XLSTM_FIND(cuGraphInstantiateWithFlags);
  XLSTM_FIND(cuGraphGetNodes);
  XLSTM_FIND(cuGraphLaunch);
  XLSTM_FIND(cuGraphExecDestroy);
  XLSTM_FIND(cuGraphDestroy);
  XLSTM_FIND(cuEventCreate);
  XLSTM_FIND(cuEventDestroy_v2);
  XLSTM_FIND(cuEventRecord);
  XLSTM_FIND(cuEventSynchronize);
  XLSTM_FIND(cuEventElapsedTime);
  XLSTM_FIND(cuModuleLoadData);
  XLSTM_FIND(cuModuleUnload);
  XLSTM_FIND(cuModuleGetFunction);
  XLSTM_FIND(cuFuncSetAttribute);
  XLSTM_FIND(cuTensorMapEncodeTiled);
  XLSTM_FIND(cuLaunchKernelEx);
#undef XLSTM_FIND
}

}  // namespace

std::string Driver::error_text(int result) const {
  const char *name = nullptr, *text = nullptr;
  cuGetErrorName(result, &name);
  cuGetErrorString(result, &text);
  return str(name != nullptr ? name : "an unknown error", " (", result,
             "): ", text != nullptr ? text : "");
}

void Driver::check(int result, std::string_view what) const {
  if (result == kSuccess) return;
  const ErrorKind kind = result == kOutOfMemory ? ErrorKind::kMemory : ErrorKind::kInternal;
  fail_wanted(kind, "cuda", what, error_text(result));
}

std::shared_ptr<const Driver> load_driver() {
  const std::array<std::string, 2> names = {"libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"};
  const std::unique_ptr<SharedLibrary> library = open_library(names);
  if (library == nullptr) {
    fail_wanted(ErrorKind::kUsage, "device", str("libcuda.so.1: ", kRemedy), "none");
  }
  auto driver = std::make_shared<Driver>();
  fill(*library, *driver);
  if (const int result = driver->cuInit(0); result != kSuccess) {
    fail_wanted(ErrorKind::kUsage, "device", str("a driver that starts; ", kRemedy),
                driver->error_text(result));
  }
  driver->check(driver->cuDriverGetVersion(&driver->version), "the driver's version");
  if (driver->version < kOldest) {
    fail_wanted(ErrorKind::kUsage, "device", str("a driver for CUDA 12 or newer; ", kRemedy),
                str("one for CUDA ", driver->version / 1000, ".", driver->version % 1000 / 10));
  }
  return driver;
}

}  // namespace xlstm::cuda
