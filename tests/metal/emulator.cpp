#include "tests/metal/emulator.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "tests/metal/emulator/launch.h"
#include "tests/metal/emulator/machine.h"
#include "xlstm/base/error.h"

namespace xlstm::metal_emulator {
namespace {

// MLX builds a Metal kernel on a machine without Metal while a function is exported, and only then.
std::vector<mx::array> built(const Function& launch, const std::vector<mx::array>& inputs) {
  std::vector<mx::array> outputs;
  mx::export_function(
      "/dev/null",
      [&](const std::vector<mx::array>& any) {
        outputs = launch(inputs);
        return std::vector<mx::array>{any[0] + any[0]};
      },
      std::vector<mx::array>{mx::array(0.0F)});
  return outputs;
}

// Every kernel below `outputs`, each after those that it needs; one array of each.
void collect(const mx::array& array, std::unordered_set<std::uintptr_t>& seen,
             std::vector<mx::array>& kernels) {
  if (!array.has_primitive() || !seen.insert(array.primitive_id()).second) return;
  for (const mx::array& input : array.inputs()) collect(input, seen, kernels);
  if (is_metal_kernel(array)) kernels.push_back(array);
}

std::vector<mx::array> kernels_of(const std::vector<mx::array>& outputs) {
  std::unordered_set<std::uintptr_t> seen;
  std::vector<mx::array> kernels;
  for (const mx::array& output : outputs) collect(output, seen, kernels);
  return kernels;
}

class Bindings {
 public:
  Bindings(Arena& arena, bool checked) : arena_(arena), checked_(checked) {}

  void add_input(const std::string& name, const void* data, std::size_t bytes, std::size_t item) {
    Array& array = arena_.add(name, Role::kInput, bytes, std::min<std::size_t>(item, 4), checked_);
    if (bytes > 0) std::memcpy(array.data, data, bytes);
    array.shadow.set_initialised();
    buffers_.push_back(array.data);
  }
  // An input, and which of its sizes the kernel is given.
  void add_input(const std::string& name, const mx::array& input,
                 const Composed::ShapeInfo& sizes) {
    add_input(name, input.data<void>(), input.data_size() * input.itemsize(), input.itemsize());
    if (input.ndim() == 0) return;
    const std::vector<int> shape(input.shape().begin(), input.shape().end());
    const std::vector<std::int64_t> strides(input.strides().begin(), input.strides().end());
    const int ndim = static_cast<int>(input.ndim());
    if (sizes.shape)
      add_input(name + "_shape", shape.data(), shape.size() * sizeof(int), sizeof(int));
    if (sizes.strides) add_input(name + "_strides", strides.data(), strides.size() * 8, 8);
    if (sizes.ndim) add_input(name + "_ndim", &ndim, sizeof ndim, sizeof ndim);
  }
  Array& add_output(const std::string& name, std::size_t bytes, std::size_t item) {
    Array& array = arena_.add(name, Role::kOutput, bytes, std::min<std::size_t>(item, 4), checked_);
    buffers_.push_back(array.data);
    return array;
  }
  const std::vector<void*>& buffers() const { return buffers_; }

 private:
  Arena& arena_;
  bool checked_;
  std::vector<void*> buffers_;
};

// Gives an array that a graph still has to compute its value.
void set_value(mx::array array, const Array& memory) {
  array.set_data(mx::allocator::malloc(memory.bytes));
  std::memcpy(array.data<void>(), memory.data, memory.bytes);
  array.set_status(mx::array::Status::available);
}

void fill(Array& memory, const mx::array& output, float value) {
  mx::array filled = mx::full(output.shape(), value, output.dtype(), mx::Device::cpu);
  filled.eval();
  std::memcpy(memory.data, filled.data<void>(), memory.bytes);
  memory.shadow.set_initialised();
}

// Evaluated, and, where the kernel asks for that, with the last index fastest.
void make_ready(std::vector<mx::array>& inputs, bool row_contiguous) {
  mx::eval(inputs);
  if (!row_contiguous) return;
  for (mx::array& input : inputs) {
    if (!input.flags().row_contiguous) input = mx::contiguous(input, false, mx::Device::cpu);
  }
  mx::eval(inputs);
}

void run_kernel(const mx::array& node, const Options& options) {
  const Composed kernel = composed_kernel(node);
  const Geometry geometry(kernel.grid, kernel.group);
  std::vector<mx::array> inputs = node.inputs(), outputs = const_cast<mx::array&>(node).outputs();
  make_ready(inputs, kernel.ensure_row_contiguous);

  const Machine::Hold machine;
  Arena arena;
  Bindings bindings(arena, options.checked);
  std::vector<std::string> names;
  for (const Parameter& parameter : kernel.parameters()) {
    if (parameter.is_buffer) names.push_back(parameter.name);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    bindings.add_input(names.at(bindings.buffers().size()), inputs[i], kernel.shape_infos.at(i));
  }
  std::vector<Array*> results;
  for (const mx::array& output : outputs) {
    results.push_back(&bindings.add_output(names.at(bindings.buffers().size()), output.nbytes(),
                                           output.itemsize()));
    if (kernel.init_value) fill(*results.back(), output, *kernel.init_value);
  }
  if (bindings.buffers().size() != names.size()) {
    fail_wanted(ErrorKind::kInternal, kernel.name, str(bindings.buffers().size(), " buffers"),
                str(names.size()));
  }
  Launch(machine->kernel(kernel, options.checked), machine->fibers(), arena, bindings.buffers(),
         geometry, options)
      .run();
  for (std::size_t i = 0; i < outputs.size(); ++i) set_value(outputs[i], *results[i]);
  for (mx::array& output : outputs) output.detach();
}

}  // namespace

std::vector<mx::array> run(const Function& launch, const std::vector<mx::array>& inputs,
                           const Options& options) {
  std::vector<mx::array> outputs = built(launch, inputs);
  for (const mx::array& kernel : kernels_of(outputs)) run_kernel(kernel, options);
  mx::eval(outputs);
  return outputs;
}

std::vector<Composed> compose(const Function& launch, const std::vector<mx::array>& inputs) {
  std::vector<Composed> composed;
  for (const mx::array& kernel : kernels_of(built(launch, inputs)))
    composed.push_back(composed_kernel(kernel));
  return composed;
}

void check(const Function& launch, const std::vector<mx::array>& inputs) {
  for (const Composed& kernel : compose(launch, inputs)) check_with_clang(kernel);
}

}  // namespace xlstm::metal_emulator
