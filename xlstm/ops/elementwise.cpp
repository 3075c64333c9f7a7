#include "mlx/device.h"
#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/ops.h"

namespace xlstm::ops {

bool on_cpu() {
  return mx::default_device() == mx::Device::cpu;
}

mx::array soft_cap(const mx::array& z, std::optional<float> cap) {
  if (!cap.has_value()) return z;
  const mx::array c(*cap, z.dtype());
  return c * mx::tanh(z / c);
}

mx::array log_sigmoid(const mx::array& z) {
  const mx::array zero(0.0F, z.dtype());
  return mx::minimum(z, zero) - mx::log1p(mx::exp(-mx::abs(z)));
}

mx::array swiglu(const mx::array& gate_up) {
  const int twice_f = gate_up.shape(-1);
  if (twice_f % 2 != 0) {
    fail_wanted(ErrorKind::kInternal, "swiglu", "an even last axis", str(twice_f));
  }
  const auto parts = mx::split(gate_up, 2, -1);
  return parts[0] * mx::sigmoid(parts[0]) * parts[1];
}

}  // namespace xlstm::ops
