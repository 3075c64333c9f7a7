#include "xlstm/cuda/programs.h"

#include <algorithm>
#include <array>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/cuda/compiler.h"
#include "xlstm/cuda/kernel_texts.h"

namespace xlstm::cuda {
namespace {

constexpr int kMostDynamicShared = 8;  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES

// Whether what was compiled with the program has all that kernels do on such a GPU. Kernels for
// compute capability 9.0 and newer are empty for older ones, whose PTX a newer GPU would take.
constexpr bool is_served(int capability) {
  return capability < 90 || XLSTM_CUDA_NEWEST >= 90;
}

}  // namespace

Programs::~Programs() {
  device_->bind();
  for (const auto& [file, module] : modules_) device_->driver().cuModuleUnload(module);
}

Module Programs::module(std::string_view file) {
  if (const auto found = modules_.find(file); found != modules_.end()) return found->second;
  const auto texts = kernel_texts();
  const auto text = std::find_if(texts.begin(), texts.end(),
                                 [&](const KernelText& each) { return each.name == file; });
  if (text == texts.end()) fail_wanted(ErrorKind::kInternal, "cuda", "a file of kernels", file);
  const Driver& d = device_->driver();
  Module module = nullptr;
  int result = -1;
  const int capability = device_->capability();
  if (!text->binary.empty() && is_served(capability)) {
    result = d.cuModuleLoadData(&module, text->binary.data());
  }
  if (result != kSuccess) {
    result = d.cuModuleLoadData(&module, compiled(*text, capability).data());
    if (result != kSuccess) {  // what the cache had may be broken
      result = d.cuModuleLoadData(&module, compiled(*text, capability, true).data());
    }
  }
  d.check(result, str("kernels of ", file, ".cu for ", device_->name()));
  modules_.emplace(file, module);
  return module;
}

Function Programs::function(std::string_view file, const std::string& name) {
  if (const auto found = functions_.find(name); found != functions_.end()) return found->second;
  Function function = nullptr;
  device_->driver().check(
      device_->driver().cuModuleGetFunction(&function, module(file), name.c_str()),
      str("kernel ", name, " of ", file, ".cu"));
  device_->driver().check(device_->driver().cuFuncSetAttribute(function, kMostDynamicShared,
                                                               device_->dynamic_shared_bytes()),
                          str("shared memory for kernel ", name));
  functions_.emplace(name, function);
  return function;
}

void Programs::launch(Function function, std::string_view name, const Grid& grid,
                      void** arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  std::array<LaunchAttribute, 2> attributes;
  LaunchConfig config;
  config.grid_x = grid.x, config.grid_y = grid.y, config.grid_z = grid.z;
  config.block_x = grid.threads;
  config.shared_bytes = static_cast<unsigned>(grid.shared);
  config.stream = device_->stream();
  if (grid.dependent && device_->capability() >= 90) {
    LaunchAttribute& attribute = attributes[config.attribute_count++];
    attribute.id = LaunchAttribute::kProgrammaticStreamSerialization;
    attribute.value.programmatic_stream_serialization = 1;
  } else {
    ++chain_;
  }
  if (grid.cluster > 1) {
    LaunchAttribute& attribute = attributes[config.attribute_count++];
    attribute.id = LaunchAttribute::kClusterDimension;
    attribute.value.cluster_dimension = {grid.cluster, 1, 1};
  }
  if (config.attribute_count > 0) config.attributes = attributes.data();
  device_->driver().check(device_->driver().cuLaunchKernelEx(&config, function, arguments, nullptr),
                          str("kernel ", name, " to start"));
  ++launches_;
}

}  // namespace xlstm::cuda
