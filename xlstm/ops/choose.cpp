#include "xlstm/ops/choose.h"

#include <algorithm>

#include "mlx/ops.h"
#include "mlx/random.h"
#include "xlstm/kernels/choose/choose.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/ops.h"

namespace xlstm::ops {
namespace {

struct Rows {
  std::size_t B, V;
};

Rows rows_of(const char* op, const mx::array& logits) {
  want_rank(op, "logits", logits, 2);
  want_float32(op, "logits", logits);
  want_shape(op, "logits", logits, {logits.shape(0), std::max(logits.shape(1), 1)});
  return {static_cast<std::size_t>(logits.shape(0)), static_cast<std::size_t>(logits.shape(1))};
}

// [...] float32: Gumbel noise, finite. -log(-log u) is written with 1 - u, drawn near 0, where
// floats are dense: the winners of the draw come from there. Half a step up and the cap keep both
// logarithms finite, so that no row is ever left without a token that may be chosen.
mx::array gumbel(const mx::Shape& shape, const mx::array& key) {
  constexpr float kStep = 0x1p-32F, kCap = 1.0F - 0x1p-24F;
  const mx::array bits = mx::astype(mx::random::bits(shape, key), mx::float32);
  const mx::array u = (bits + mx::array(0.5F)) * mx::array(kStep);
  return mx::negative(
      mx::log(mx::negative(mx::log1p(mx::negative(mx::minimum(u, mx::array(kCap)))))));
}

// In [0, 1), from 64 random bits.
double unit_interval(const std::uint32_t* bits) {
  const std::uint64_t all = (std::uint64_t{bits[0]} << 32) | bits[1];
  return static_cast<double>(all >> 11) * 0x1p-53;
}

}  // namespace

mx::array checksum(const mx::array& logits) {
  want_float32("checksum", "logits", logits);
  if (!on_cpu()) return mx::sum(logits);
  const auto kernel = [count = logits.size()](const CpuBuffers& t) {
    *t.output(0) = static_cast<float>(kernels::sum(t.input(0), count));
  };
  return run_on_cpu({"checksum", kernel}, mx::Shape{}, mx::float32, {logits});
}

mx::array largest_definition(const mx::array& logits) {
  return mx::astype(mx::argmax(logits, -1), mx::int32);
}

mx::array largest(const mx::array& logits) {
  const auto [B, V] = rows_of("largest", logits);
  if (!on_cpu()) return largest_definition(logits);
  const auto kernel = [B = B, V = V](const CpuBuffers& t) {
    auto* const ids = static_cast<std::int32_t*>(t.outputs[0]);
    for (std::size_t b = 0; b < B; ++b) {
      ids[b] = static_cast<std::int32_t>(kernels::argmax(t.input(0) + b * V, V));
    }
  };
  return run_on_cpu({"largest", kernel}, mx::Shape{logits.shape(0)}, mx::int32, {logits});
}

mx::array draw_definition(const mx::array& logits, const mx::array& key) {
  return largest_definition(logits + gumbel(logits.shape(), key));
}

mx::array draw(const mx::array& logits, const mx::array& key) {
  const auto [B, V] = rows_of("draw", logits);
  if (!on_cpu()) return draw_definition(logits, key);
  const auto kernel = [B = B, V = V](const CpuBuffers& t) {
    const auto* const bits = static_cast<const std::uint32_t*>(t.inputs[1]);
    auto* const ids = static_cast<std::int32_t*>(t.outputs[0]);
    for (std::size_t b = 0; b < B; ++b) {
      const double u = unit_interval(bits + 2 * b);
      ids[b] = static_cast<std::int32_t>(kernels::sample_categorical(t.input(0) + b * V, V, u));
    }
  };
  return run_on_cpu({"draw", kernel}, mx::Shape{logits.shape(0)}, mx::int32,
                    {logits, mx::random::bits({logits.shape(0), 2}, key)});
}

}  // namespace xlstm::ops
