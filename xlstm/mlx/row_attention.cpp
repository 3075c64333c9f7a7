#include "xlstm/mlx/row_attention.h"

#include <cmath>
#include <limits>
#include <vector>

namespace xlstm::mlx {
namespace {

// What is added to the scores, [R, R]: 0 where row r sees row s.
DeviceArray mask_of(const RowAttentionSpec& spec, mx::Device device) {
  const std::size_t R = spec.group.size();
  std::vector<float> mask(R * R, -std::numeric_limits<float>::infinity());
  for (std::size_t r = 0; r < R; ++r) {
    for (std::size_t s = 0; s < R; ++s) {
      const bool hidden = spec.is_target[s] != 0 && spec.is_target[r] == 0;
      if (spec.group[r] == spec.group[s] && !hidden) mask[r * R + s] = 0;
    }
  }
  const int rows = static_cast<int>(R);
  return {mx::array(mask.data(), {rows, rows}, mx::float32), device};
}

}  // namespace

DeviceArray row_attention(A qkv, const RowAttentionSpec& spec) {
  const int R = static_cast<int>(spec.group.size()), NA = static_cast<int>(spec.NA);
  const int T = qkv.axis(0), S = T / R, D = qkv.axis(1) / 3, DA = D / NA;
  const auto heads = [&](int index) {  // [S, NA, R, DA]
    const DeviceArray x =
        reshape(as_type(part(qkv, 1, index * D, (index + 1) * D), mx::float32), {R, S, NA, DA});
    return swapaxes(swapaxes(x, 0, 1), 1, 2);
  };
  const auto normed = [&](A x) {
    return spec.qk_norm_eps ? x * rsqrt(mean(square(x), -1, true) + *spec.qk_norm_eps) : x;
  };
  const DeviceArray scores = matmul(normed(heads(0)), swap_last_axes(normed(heads(1)))) /
                             std::sqrt(static_cast<float>(DA));
  const DeviceArray masked = scores + mask_of(spec, qkv.device);
  const DeviceArray weights = {mx::softmax(masked.array, -1, true, qkv.device), qkv.device};
  const DeviceArray y = swapaxes(swapaxes(matmul(weights, heads(2)), 1, 2), 0, 1);
  return as_type(reshape(y, {T, D}), qkv.array.dtype());
}

DeviceArray reverse_tokens(A x, int B) {
  const int T = x.axis(0), D = x.axis(1), S = T / B;
  const DeviceArray order = {mx::arange(S - 1, -1, -1, mx::int32, x.device), x.device};
  const DeviceArray rows = reshape(x, {B, S, D});
  return reshape({mx::take(rows.array, order.array, 1, x.device), x.device}, {T, D});
}

}  // namespace xlstm::mlx
