#include "xlstm/ops/cpu_primitive.h"

#include <cstring>
#include <exception>
#include <memory>
#include <utility>

#include "mlx/backend/cpu/encoder.h"
#include "mlx/device.h"
#include "mlx/stream.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/at_once.h"
#include "xlstm/ops/evaluate.h"

namespace xlstm::ops {
namespace {
namespace mx = mlx::core;

// Copies a strided array into `to`, row-major. Slices of a projection arrive this way; copying here
// spares a node of MLX's graph for each.
void copy_strided(const mx::array& a, std::size_t axis, const char* from, char*& to) {
  const auto item = a.itemsize();
  const auto length = static_cast<std::size_t>(a.shape()[axis]);
  const auto stride = a.strides()[axis] * static_cast<std::int64_t>(item);
  const bool innermost = axis + 1 == a.ndim();
  if (innermost && a.strides()[axis] == 1) {
    std::memcpy(to, from, length * item);
    to += length * item;
    return;
  }
  for (std::size_t i = 0; i < length; ++i, from += stride) {
    if (innermost) {
      std::memcpy(to, from, item);
      to += item;
    } else {
      copy_strided(a, axis + 1, from, to);
    }
  }
}

void copy_row_major(const mx::array& a, char* to) {
  if (a.size() == 0 || a.flags().row_contiguous) {
    std::memcpy(to, a.data<char>(), a.nbytes());
  } else {
    copy_strided(a, 0, a.data<char>(), to);
  }
}

// The array's elements row-major: its own memory, or a copy kept in `scratch`.
const void* row_major(const mx::array& a, std::vector<std::unique_ptr<char[]>>& scratch) {
  if (a.size() == 0 || a.flags().row_contiguous) return a.data<char>();
  scratch.push_back(std::make_unique_for_overwrite<char[]>(a.nbytes()));
  copy_row_major(a, scratch.back().get());
  return scratch.back().get();
}

void call(const CpuKernel& kernel, const std::vector<mx::array>& in, std::vector<mx::array>& out) {
  CpuBuffers buffers;
  std::vector<std::unique_ptr<char[]>> scratch;
  for (const mx::array& a : in) buffers.inputs.push_back(row_major(a, scratch));
  for (mx::array& a : out) buffers.outputs.push_back(a.data<char>());
  kernel(buffers);
}

// Each output of a node holds the inputs once more, so that none of them ever looks unshared. They
// are not needed by the outputs that are not being evaluated themselves: let them go.
void drop_sibling_handles(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  for (mx::array& output : outputs) {
    if (&output.inputs() != &inputs) output.inputs().clear();
  }
}

// An input's, where it may be taken over, or new.
void give_memory(const CpuOp& op, const std::vector<mx::array>& inputs,
                 std::vector<mx::array>& outputs) {
  for (const CpuOp::Donation& donation : op.donations) {
    const mx::array& from = inputs[donation.from];
    if (from.is_donatable() && from.flags().row_contiguous) {
      outputs[donation.to].copy_shared_buffer(from);
    }
  }
  for (mx::array& a : outputs) {
    if (a.data_shared_ptr() == nullptr) a.set_data(allocate(a.nbytes(), op.name));
  }
}

void evaluate_what_is_lazy(const std::vector<const mx::array*>& arrays) {
  std::vector<mx::array> lazy;
  for (const mx::array* const a : arrays) {
    if (!a->is_available()) lazy.push_back(*a);
  }
  if (!lazy.empty()) evaluate(std::move(lazy));
}

std::vector<mx::array> run_now(AtOnce& scope, const CpuOp& op, std::vector<mx::Shape> shapes,
                               const std::vector<mx::Dtype>& dtypes,
                               const std::vector<mx::array>& inputs) {
  std::vector<const mx::array*> wanted;
  for (const mx::array& a : inputs) wanted.push_back(&a);
  evaluate_what_is_lazy(wanted);
  std::vector<mx::array> outputs;
  outputs.reserve(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    outputs.emplace_back(std::move(shapes[i]), dtypes[i], nullptr, std::vector<mx::array>());
  }
  give_memory(op, inputs, outputs);
  scope.run([&] { call(op.kernel, inputs, outputs); });
  for (const mx::array& a : outputs) a.set_status(mx::array::Status::available);
  return outputs;
}

}  // namespace

std::vector<mx::array> run_on_cpu(CpuOp op, std::vector<mx::Shape> shapes,
                                  std::vector<mx::Dtype> dtypes, std::vector<mx::array> inputs) {
  if (AtOnce* const scope = AtOnce::here()) {
    return run_now(*scope, op, std::move(shapes), dtypes, inputs);
  }
  return mx::array::make_arrays(std::move(shapes), dtypes,
                                std::make_shared<CpuPrimitive>(std::move(op)), std::move(inputs));
}

mx::array run_on_cpu(CpuOp op, mx::Shape shape, mx::Dtype dtype, std::vector<mx::array> inputs) {
  return run_on_cpu(std::move(op), std::vector<mx::Shape>{std::move(shape)},
                    std::vector<mx::Dtype>{dtype}, std::move(inputs))[0];
}

void own(const std::vector<mx::array*>& arrays, const char* where) {
  evaluate_what_is_lazy({arrays.begin(), arrays.end()});
  for (mx::array* const a : arrays) {
    if (a->is_donatable() && a->flags().row_contiguous) continue;
    mx::array copy(a->shape(), a->dtype(), nullptr, {});
    copy.set_data(allocate(copy.nbytes(), where));
    copy_row_major(*a, copy.data<char>());
    copy.set_status(mx::array::Status::available);
    *a = std::move(copy);
  }
}

CpuPrimitive::CpuPrimitive(CpuOp op)
    : mx::Primitive(mx::default_stream(mx::Device::cpu)), op_(std::move(op)) {}

void CpuPrimitive::eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  if (!op_.donations.empty()) drop_sibling_handles(inputs, outputs);
  give_memory(op_, inputs, outputs);
  auto& encoder = mx::cpu::get_command_encoder(stream());
  std::vector<mx::array> in;
  std::vector<mx::array> out;
  for (const mx::array& a : inputs) {
    encoder.set_input_array(a);
    in.push_back(mx::array::unsafe_weak_copy(a));
  }
  for (mx::array& a : outputs) {
    encoder.set_output_array(a);
    out.push_back(mx::array::unsafe_weak_copy(a));
  }
  encoder.dispatch([kernel = op_.kernel, in = std::move(in), out = std::move(out)]() mutable {
    try {
      call(kernel, in, out);
    } catch (...) {
      // MLX would keep the text alone, or end the process. Whoever waits for the results gets the
      // error from evaluate(); NaNs (of all float types) for those who do not ask there.
      keep_kernel_error(std::current_exception());
      for (mx::array& a : out) std::memset(a.data<char>(), 0xFF, a.nbytes());
    }
  });
}

void CpuPrimitive::eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&) {
  fail(ErrorKind::kInternal, op_.name, "this path is for the CPU only");
}

}  // namespace xlstm::ops
