#include "mlx/ops.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/ops.h"

namespace xlstm::ops {

mx::array rms_norm(const mx::array& x, const mx::array& weight,
                   const std::optional<mx::array>& bias, float eps) {
  want_float("rms_norm", "x", x);
  want_shape("rms_norm", "weight", weight, {x.shape(-1)});
  const mx::array u = mx::astype(x, mx::float32);
  const mx::array r = mx::rsqrt(mx::mean(mx::square(u), -1, true) + mx::array(eps));
  mx::array y = mx::astype(u * r, x.dtype()) * mx::astype(weight, x.dtype());
  if (bias.has_value()) y = y + mx::astype(*bias, x.dtype());
  return y;
}

mx::array head_norm(const mx::array& h, const mx::array& weight,
                    const std::optional<mx::array>& bias, float eps, mx::Dtype dtype) {
  want_rank("head_norm", "h", h, 4);
  const auto [B, S, NH, DHV] = std::tuple(h.shape(0), h.shape(1), h.shape(2), h.shape(3));
  want_shape("head_norm", "weight", weight, {NH * DHV});
  const mx::array u = mx::astype(h, mx::float32);
  const mx::array centred = u - mx::mean(u, -1, true);
  const mx::array r = mx::rsqrt(mx::mean(mx::square(centred), -1, true) + mx::array(eps));
  mx::array y =
      mx::reshape(mx::astype(centred * r, dtype), {B, S, NH * DHV}) * mx::astype(weight, dtype);
  if (bias.has_value()) y = y + mx::astype(*bias, dtype);
  return y;
}

}  // namespace xlstm::ops
