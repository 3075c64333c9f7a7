#include <algorithm>
#include <optional>

#include "mlx/device.h"
#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/swiglu/swiglu.h"
#include "xlstm/ops/at_once.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/thread_pool.h"

namespace xlstm::ops {
namespace {

// Whether a kernel of ours takes `a` as it is.
bool for_kernel(const mx::array& a) {
  return on_cpu() && a.dtype() == mx::float32 && a.size() > 0;
}

int half_of_last(const mx::array& gate_up) {
  const int twice_f = gate_up.shape(-1);
  if (twice_f % 2 != 0) {
    fail_wanted(ErrorKind::kInternal, "swiglu", "an even last axis", str(twice_f));
  }
  return twice_f / 2;
}

}  // namespace

bool on_cpu() {
  return mx::default_device() == mx::Device::cpu;
}

mx::array reshaped(const mx::array& a, mx::Shape shape) {
  want_elements("reshaped", shape, a.size());
  const bool computed = AtOnce::here() != nullptr && a.is_available();
  if (!computed || !a.flags().row_contiguous) return mx::reshape(a, std::move(shape));
  mx::array view(std::move(shape), a.dtype(), nullptr, {});
  const auto longest = std::max_element(view.shape().begin(), view.shape().end());
  const bool one_axis = longest == view.shape().end() ||
                        static_cast<std::size_t>(*longest) == std::max<std::size_t>(view.size(), 1);
  view.copy_shared_buffer(a, view.strides(), {true, true, one_axis}, a.data_size());
  view.set_status(mx::array::Status::available);
  return view;
}

mx::array add_row(const mx::array& a, const mx::array& row) {
  want_shape("add_row", "row", row, {1, a.shape(-1)});
  if (!for_kernel(a) || row.dtype() != mx::float32) return a + row;
  const auto kernel = [count = a.size(), V = row.size()](const CpuBuffers& t) {
    const float* const x = t.input(0);
    const float* const z = t.input(1);
    float* const y = t.output(0);
    for (std::size_t begin = 0; begin < count; begin += V) {
      for (std::size_t i = 0; i < V; ++i) y[begin + i] = x[begin + i] + z[i];
    }
  };
  return run_on_cpu({"add_row", kernel, {{0, 0}}}, a.shape(), mx::float32, {a, row});
}

mx::array soft_cap(const mx::array& z, std::optional<float> cap) {
  if (!cap.has_value() || !for_kernel(z)) return soft_cap_definition(z, cap);
  const auto kernel = [cap = *cap, count = z.size()](const CpuBuffers& t) {
    kernels::soft_cap(thread_pool(), t.input(0), cap, t.output(0), count);
  };
  return run_on_cpu({"soft_cap", kernel, {{0, 0}}}, z.shape(), mx::float32, {z});
}

mx::array soft_cap_definition(const mx::array& z, std::optional<float> cap) {
  if (!cap.has_value()) return z;
  const mx::array c(*cap, z.dtype());
  return c * mx::tanh(z / c);
}

mx::array log_sigmoid(const mx::array& z) {
  const mx::array zero(0.0F, z.dtype());
  return mx::minimum(z, zero) - mx::log1p(mx::exp(-mx::abs(z)));
}

mx::array swiglu(const mx::array& gate_up) {
  const int F = half_of_last(gate_up);
  if (!for_kernel(gate_up)) return swiglu_definition(gate_up);
  const std::size_t width = static_cast<std::size_t>(F), rows = gate_up.size() / 2 / width;
  const auto kernel = [=](const CpuBuffers& t) {
    kernels::swiglu(thread_pool(), t.input(0), t.output(0), rows, width);
  };
  mx::Shape shape = gate_up.shape();
  shape.back() = F;
  return run_on_cpu({"swiglu", kernel}, shape, mx::float32, {gate_up});
}

mx::array swiglu_definition(const mx::array& gate_up) {
  half_of_last(gate_up);
  const auto parts = mx::split(gate_up, 2, -1);
  return parts[0] * mx::sigmoid(parts[0]) * parts[1];
}

}  // namespace xlstm::ops
