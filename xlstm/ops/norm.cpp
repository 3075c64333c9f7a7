#include "mlx/ops.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/thread_pool.h"

namespace xlstm::ops {
namespace {

std::size_t length(int axis) {
  return static_cast<std::size_t>(axis);
}

// x and the parameters of its norm as a kernel takes them.
std::vector<mx::array> kernel_inputs(const mx::array& x, const mx::array& weight,
                                     const std::optional<mx::array>& bias) {
  std::vector<mx::array> inputs = {mx::astype(x, mx::float32), mx::astype(weight, mx::float32)};
  if (bias.has_value()) inputs.push_back(mx::astype(*bias, mx::float32));
  return inputs;
}

const float* bias_of(const CpuBuffers& t) {
  return t.inputs.size() > 2 ? t.input(2) : nullptr;
}

mx::array rms_norm_cpu(const mx::array& x, const mx::array& weight,
                       const std::optional<mx::array>& bias, float eps) {
  const std::size_t D = length(x.shape(-1)), rows = x.size() / D;
  const auto kernel = [=](const CpuBuffers& t) {
    kernels::rms_norm(thread_pool(), t.input(0), t.input(1), bias_of(t), eps, t.output(0), rows, D);
  };
  return run_on_cpu({"rms_norm", kernel}, x.shape(), mx::float32, kernel_inputs(x, weight, bias));
}

mx::array head_norm_cpu(const mx::array& h, const mx::array& weight,
                        const std::optional<mx::array>& bias, float eps) {
  const int B = h.shape(0), S = h.shape(1), V = h.shape(2) * h.shape(3);
  const std::size_t rows = length(B) * length(S), NH = length(h.shape(2)), DHV = length(h.shape(3));
  const auto kernel = [=](const CpuBuffers& t) {
    kernels::head_norm(thread_pool(),
                       {t.input(0), t.input(1), bias_of(t), nullptr, 0, t.output(0), eps, NH, DHV},
                       rows);
  };
  return run_on_cpu({"head_norm", kernel}, mx::Shape{B, S, V}, mx::float32,
                    kernel_inputs(h, weight, bias));
}

void check_head_norm(const mx::array& h, const mx::array& weight) {
  want_rank("head_norm", "h", h, 4);
  want_shape("head_norm", "weight", weight, {h.shape(2) * h.shape(3)});
}

}  // namespace

mx::array rms_norm(const mx::array& x, const mx::array& weight,
                   const std::optional<mx::array>& bias, float eps) {
  if (!on_cpu() || x.dtype() != mx::float32 || x.size() == 0)
    return rms_norm_definition(x, weight, bias, eps);
  want_shape("rms_norm", "weight", weight, {x.shape(-1)});
  if (bias.has_value()) want_shape("rms_norm", "bias", *bias, {x.shape(-1)});
  return rms_norm_cpu(x, weight, bias, eps);
}

mx::array head_norm(const mx::array& h, const mx::array& weight,
                    const std::optional<mx::array>& bias, float eps, mx::Dtype dtype) {
  if (!on_cpu() || dtype != mx::float32 || h.size() == 0)
    return head_norm_definition(h, weight, bias, eps, dtype);
  check_head_norm(h, weight);
  if (bias.has_value()) want_shape("head_norm", "bias", *bias, weight.shape());
  return head_norm_cpu(h, weight, bias, eps);
}

mx::array rms_norm_definition(const mx::array& x, const mx::array& weight,
                              const std::optional<mx::array>& bias, float eps) {
  want_float("rms_norm", "x", x);
  want_shape("rms_norm", "weight", weight, {x.shape(-1)});
  const mx::array u = mx::astype(x, mx::float32);
  const mx::array r = mx::rsqrt(mx::mean(mx::square(u), -1, true) + mx::array(eps));
  mx::array y = mx::astype(u * r, x.dtype()) * mx::astype(weight, x.dtype());
  if (bias.has_value()) y = y + mx::astype(*bias, x.dtype());
  return y;
}

mx::array head_norm_definition(const mx::array& h, const mx::array& weight,
                               const std::optional<mx::array>& bias, float eps, mx::Dtype dtype) {
  check_head_norm(h, weight);
  const auto [B, S, NH, DHV] = std::tuple(h.shape(0), h.shape(1), h.shape(2), h.shape(3));
  const mx::array u = mx::astype(h, mx::float32);
  const mx::array centred = u - mx::mean(u, -1, true);
  const mx::array r = mx::rsqrt(mx::mean(mx::square(centred), -1, true) + mx::array(eps));
  mx::array y =
      mx::reshape(mx::astype(centred * r, dtype), {B, S, NH * DHV}) * mx::astype(weight, dtype);
  if (bias.has_value()) y = y + mx::astype(*bias, dtype);
  return y;
}

}  // namespace xlstm::ops
