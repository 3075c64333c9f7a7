#include <map>
#include <memory>

#include "xlstm/mlx/metal/kernel_call.h"
#include "xlstm/mlx/metal/kernel_texts.h"

namespace xlstm::mlx::metal {
namespace {

template <typename Named>
std::vector<std::string> names_of(const std::vector<Named>& all) {
  std::vector<std::string> names;
  for (const Named& each : all) names.push_back(each.name);
  return names;
}

mx::fast::CustomKernelFunction make_kernel(const KernelCall& call) {
  const KernelSource source = kernel_source(call.kernel);
  mx::CompileOptions options;
  options.math_mode = call.math_mode;
  constexpr bool kRowContiguous = true, kAtomicOutputs = false;
  return mx::fast::metal_kernel(call.kernel, names_of(call.inputs), names_of(call.outputs),
                                source.body, source.header, kRowContiguous, kAtomicOutputs,
                                options);
}

class Kernels {
 public:
  explicit Kernels(mx::Device device) : device_(device) {}

  std::vector<mx::array> launch(const KernelCall& call) {
    auto found = made_.find(call.kernel);
    if (found == made_.end()) found = made_.emplace(call.kernel, make_kernel(call)).first;
    std::vector<mx::array> inputs;
    std::vector<mx::Shape> shapes;
    std::vector<mx::Dtype> dtypes;
    for (const KernelInput& input : call.inputs) inputs.push_back(input.array);
    for (const KernelOutput& output : call.outputs) {
      shapes.push_back(output.shape);
      dtypes.push_back(output.dtype);
    }
    const auto& [x, y, z] = call.grid;
    const auto& [width, height, depth] = call.threadgroup;
    return found->second(inputs, shapes, dtypes, {x, y, z}, {width, height, depth},
                         call.template_args, std::nullopt, false, device_);
  }

 private:
  mx::Device device_;
  std::map<std::string, mx::fast::CustomKernelFunction> made_;  // by the kernel's name
};

}  // namespace

Launcher mlx_launcher(mx::Device device) {
  return [kernels = std::make_shared<Kernels>(device)](const KernelCall& call) {
    return kernels->launch(call);
  };
}

}  // namespace xlstm::mlx::metal
