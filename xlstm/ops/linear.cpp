#include "xlstm/kernels/linear/linear.h"
#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/thread_pool.h"
#include "xlstm/ops/weight_pointers.h"

namespace xlstm::ops {
namespace {

void check_linear(const mx::array& x, const mx::array& W, const std::optional<mx::array>& bias) {
  want_float("linear", "x", x);
  want_float("linear", "W", W);
  if (x.ndim() == 0) fail_wanted(ErrorKind::kInternal, "linear", "x with axes", "a scalar");
  want_shape("linear", "W", W, {W.ndim() == 2 ? W.shape(0) : -1, x.shape(-1)});
  if (bias.has_value()) want_shape("linear", "bias", *bias, {W.shape(0)});
}

mx::Shape output_shape(const mx::array& x, const mx::array& W) {
  mx::Shape shape = x.shape();
  shape.back() = W.shape(0);
  return shape;
}

mx::array linear_cpu(const mx::array& x, const mx::array& W, const std::optional<mx::array>& bias) {
  const auto K = static_cast<std::size_t>(W.shape(1));
  const auto N = static_cast<std::size_t>(W.shape(0));
  std::size_t M = 1;
  for (std::size_t axis = 0; axis + 1 < x.ndim(); ++axis)
    M *= static_cast<std::size_t>(x.shape(static_cast<int>(axis)));
  const auto type = weight_type(W);
  const auto kernel = [=](const CpuBuffers& t) {
    const float* b = t.inputs.size() > 2 ? t.input(2) : nullptr;
    kernels::linear(thread_pool(), t.input(0), static_cast<std::ptrdiff_t>(K), t.inputs[1], type, b,
                    t.output(0), static_cast<std::ptrdiff_t>(N), M, N, K);
  };
  std::vector<mx::array> inputs = {mx::astype(x, mx::float32), W};
  if (bias.has_value()) inputs.push_back(mx::astype(*bias, mx::float32));
  return run_on_cpu({"linear", kernel}, output_shape(x, W), mx::float32, std::move(inputs));
}

}  // namespace

mx::array linear_definition(const mx::array& x, const mx::array& W,
                            const std::optional<mx::array>& bias) {
  check_linear(x, W, bias);
  mx::array y = mx::astype(mx::matmul(mx::astype(x, W.dtype()), mx::transpose(W)), x.dtype());
  if (bias.has_value()) y = y + mx::astype(*bias, x.dtype());
  return y;
}

mx::array linear(const mx::array& x, const mx::array& W, const std::optional<mx::array>& bias) {
  if (!on_cpu()) return linear_definition(x, W, bias);
  check_linear(x, W, bias);
  return linear_cpu(x, W, bias);
}

}  // namespace xlstm::ops
