#include "mlx/device.h"
#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/swiglu/swiglu.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/ops.h"

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

mx::array soft_cap(const mx::array& z, std::optional<float> cap) {
  if (!cap.has_value() || !for_kernel(z)) return soft_cap_definition(z, cap);
  const auto kernel = [cap = *cap, count = z.size()](const CpuBuffers& t) {
    kernels::soft_cap(t.input(0), cap, t.output(0), count);
  };
  const std::vector<CpuPrimitive::Donation> in_place = {{0, 0}};
  return mx::array(z.shape(), mx::float32,
                   std::make_shared<CpuPrimitive>("soft_cap", kernel, in_place), {z});
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
    kernels::swiglu(t.input(0), t.output(0), rows, width);
  };
  mx::Shape shape = gate_up.shape();
  shape.back() = F;
  return mx::array(shape, mx::float32, std::make_shared<CpuPrimitive>("swiglu", kernel), {gate_up});
}

mx::array swiglu_definition(const mx::array& gate_up) {
  half_of_last(gate_up);
  const auto parts = mx::split(gate_up, 2, -1);
  return parts[0] * mx::sigmoid(parts[0]) * parts[1];
}

}  // namespace xlstm::ops
