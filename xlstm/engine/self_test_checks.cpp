#include "xlstm/engine/self_test_checks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/engine/self_test_bounds.h"

namespace xlstm {
namespace {

double relative_error(std::span<const float> got, std::span<const float> truth) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (got.size() != truth.size()) return kInfinite;
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - truth[i]);
    if (std::isnan(error)) return kInfinite;
    difference = std::max(difference, error);
    largest = std::max(largest, std::abs(static_cast<double>(truth[i])));
  }
  return difference / largest;
}

}  // namespace

double SelfTestChecks::input_rounding() const {
  return is_float32() && tf32_ ? kTf32Product : 0;
}

double SelfTestChecks::inner_rounding() const {
  return is_float32() ? input_rounding() : kBf16Factor;
}

std::vector<float> SelfTestChecks::between(std::int64_t count, float low, float high,
                                           unsigned seed) const {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> draw(low, high);
  std::vector<float> out(static_cast<std::size_t>(count));
  for (float& x : out) {
    x = draw(random);
    if (!is_float32()) x = float_from_bf16(bf16_from_float(x));
  }
  return out;
}

Tensor SelfTestChecks::activations(const TensorShape& shape, std::span<const float> values) {
  return b.to_activation(b.floats(shape, values));
}

Tensor SelfTestChecks::weights(const TensorShape& shape, std::span<const float> values) {
  Tensor out = b.allocate(shape, b.activation_dtype(), "self test");
  floats_to(values.data(), values.size(), b.activation_dtype(), b.writable(out).data());
  return out;
}

void SelfTestChecks::compare(std::string_view name, const Tensor& got, std::span<const float> truth,
                             double bound) {
  const Tensor values = b.to_float32(got);
  results.push_back({str(name, is_float32() ? "" : ", bfloat16"),
                     relative_error(b.read_floats(values), truth), bound});
}

}  // namespace xlstm
