// NVIDIA's driver, found when the program runs: nothing links against it, so that the same build
// runs with and without a GPU. Types and values are those of the driver's interface
// (https://docs.nvidia.com/cuda/cuda-driver-api/).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace xlstm::cuda {

using DevicePointer = unsigned long long;
using Stream = struct StreamOfDriver*;
using Event = struct EventOfDriver*;
using Context = struct ContextOfDriver*;
using Module = struct ModuleOfDriver*;
using Function = struct FunctionOfDriver*;
using Graph = struct GraphOfDriver*;
using GraphExec = struct GraphExecOfDriver*;
using GraphNode = struct GraphNodeOfDriver*;

// What tells devices apart, in all processes.
using DeviceId = std::array<unsigned char, 16>;

inline constexpr int kSuccess = 0, kOutOfMemory = 2, kNotReady = 600;

// Memory of a card as another process may open it: CUipcMemHandle.
using MemoryHandle = std::array<char, 64>;

// Of cuMemcpy2DAsync.
struct Copy2D {
  static constexpr int kOnDevice = 2;
  std::size_t from_x = 0, from_y = 0;
  int from_kind = kOnDevice;
  const void* from_host = nullptr;
  DevicePointer from = 0;
  void* from_array = nullptr;
  std::size_t from_pitch = 0;
  std::size_t to_x = 0, to_y = 0;
  int to_kind = kOnDevice;
  void* to_host = nullptr;
  DevicePointer to = 0;
  void* to_array = nullptr;
  std::size_t to_pitch = 0;
  std::size_t bytes_in_row = 0, rows = 0;
};

// Of cuLaunchKernelEx.
struct alignas(8) LaunchAttribute {
  static constexpr int kClusterDimension = 4, kProgrammaticStreamSerialization = 6;
  struct Blocks {
    unsigned x, y, z;
  };
  int id = 0;
  int padding = 0;
  union Value {
    char bytes[64];
    Blocks cluster_dimension;
    int programmatic_stream_serialization;
  } value = {};
};
struct LaunchConfig {
  unsigned grid_x = 1, grid_y = 1, grid_z = 1;
  unsigned block_x = 1, block_y = 1, block_z = 1;
  unsigned shared_bytes = 0;
  Stream stream = nullptr;
  LaunchAttribute* attributes = nullptr;
  unsigned attribute_count = 0;
};

// The driver's functions that we call, by their names.
struct Driver {
  int (*cuInit)(unsigned flags);
  int (*cuDriverGetVersion)(int* version);
  int (*cuGetErrorName)(int result, const char** name);
  int (*cuGetErrorString)(int result, const char** text);
  int (*cuDeviceGetCount)(int* count);
  int (*cuDeviceGet)(int* device, int ordinal);
  int (*cuDeviceGetName)(char* name, int length, int device);
  int (*cuDeviceGetAttribute)(int* value, int attribute, int device);
  int (*cuDeviceGetUuid_v2)(DeviceId* id, int device);
  int (*cuDeviceTotalMem_v2)(std::size_t* bytes, int device);
  int (*cuDevicePrimaryCtxRetain)(Context* context, int device);
  int (*cuDevicePrimaryCtxRelease_v2)(int device);
  int (*cuCtxSetCurrent)(Context context);
  int (*cuDeviceCanAccessPeer)(int* can, int device, int peer);
  int (*cuIpcGetMemHandle)(MemoryHandle* handle, DevicePointer at);
  int (*cuIpcOpenMemHandle_v2)(DevicePointer* at, MemoryHandle handle, unsigned flags);
  int (*cuIpcCloseMemHandle)(DevicePointer at);
  int (*cuMemGetInfo_v2)(std::size_t* free, std::size_t* total);
  int (*cuMemAlloc_v2)(DevicePointer* at, std::size_t bytes);
  int (*cuMemFree_v2)(DevicePointer at);
  int (*cuMemAllocHost_v2)(void** at, std::size_t bytes);
  int (*cuMemFreeHost)(void* at);
  int (*cuMemcpyHtoD_v2)(DevicePointer to, const void* from, std::size_t bytes);
  int (*cuMemcpyHtoDAsync_v2)(DevicePointer to, const void* from, std::size_t bytes, Stream stream);
  int (*cuMemcpyDtoHAsync_v2)(void* to, DevicePointer from, std::size_t bytes, Stream stream);
  int (*cuMemcpyDtoDAsync_v2)(DevicePointer to, DevicePointer from, std::size_t bytes,
                              Stream stream);
  int (*cuMemcpy2DAsync_v2)(const Copy2D* copy, Stream stream);
  int (*cuMemsetD32Async)(DevicePointer at, unsigned value, std::size_t count, Stream stream);
  int (*cuStreamCreate)(Stream* stream, unsigned flags);
  int (*cuStreamDestroy_v2)(Stream stream);
  int (*cuStreamSynchronize)(Stream stream);
  int (*cuStreamBeginCapture_v2)(Stream stream, int mode);
  int (*cuStreamEndCapture)(Stream stream, Graph* graph);
  int (*cuGraphInstantiateWithFlags)(GraphExec* exec, Graph graph, unsigned long long flags);
  int (*cuGraphGetNodes)(Graph graph, GraphNode* nodes, std::size_t* count);
  int (*cuGraphLaunch)(GraphExec exec, Stream stream);
  int (*cuGraphExecDestroy)(GraphExec exec);
  int (*cuGraphDestroy)(Graph graph);
  int (*cuEventCreate)(Event* event, unsigned flags);
  int (*cuEventDestroy_v2)(Event event);
  int (*cuEventRecord)(Event event, Stream stream);
  int (*cuEventSynchronize)(Event event);
  int (*cuEventElapsedTime)(float* milliseconds, Event start, Event end);
  int (*cuModuleLoadData)(Module* module, const void* image);
  int (*cuModuleUnload)(Module module);
  int (*cuModuleGetFunction)(Function* function, Module module, const char* name);
  int (*cuFuncSetAttribute)(Function function, int attribute, int value);
  int (*cuTensorMapEncodeTiled)(void* map, int type, std::uint32_t axes, const void* from,
                                const std::uint64_t* lengths, const std::uint64_t* pitches,
                                const std::uint32_t* box, const std::uint32_t* steps,
                                int interleaved, int swizzle, int promotion, int outside);
  int (*cuLaunchKernelEx)(const LaunchConfig* config, Function function, void** arguments,
                          void** extra);

  int version = 0;  // 12040 for 12.4

  // Throws Error that says what the driver says unless `result` is success: kMemory where memory is
  // what is missing, else kInternal. `what` was being done.
  void check(int result, std::string_view what) const;
  std::string error_text(int result) const;
};

// The driver of this machine. Throws Error(kUsage), with the remedy, where there is none or it is
// too old.
std::shared_ptr<const Driver> load_driver();

}  // namespace xlstm::cuda
