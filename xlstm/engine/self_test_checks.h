// What the checks of the self test share: numbers that a backend's types hold, and a list of
// results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/engine/doctor.h"

namespace xlstm {

// Where a reference writes its truth.
inline std::vector<float> zeros(std::int64_t count) {
  return std::vector<float>(static_cast<std::size_t>(count));
}

class SelfTestChecks {
 public:
  // `tf32`: bounds allow for products that are rounded to TF32 (mlx/float32_products.h).
  SelfTestChecks(Backend& backend, bool tf32) : b(backend), tf32_(tf32) {}

  Backend& b;

  bool is_float32() const { return b.activation_dtype() == DType::kF32; }
  // Of one rounding of float32, and of the activations' type, as shares of what is rounded.
  static constexpr double kEps = 0x1p-23;
  double type_eps() const { return is_float32() ? kEps : 0x1p-8; }
  // Most that rounding both factors of a product changes it by, as a share of it. Of those that are
  // inputs, and of the activations' type: by a GPU that rounds to TF32. Of those that an op
  // computes on its way: these may be rounded to bfloat16 too.
  double input_rounding() const;
  double inner_rounding() const;

  // Uniform in [low, high], or [-range, range], of the activations' type: always the same.
  std::vector<float> between(std::int64_t count, float low, float high, unsigned seed) const;
  std::vector<float> numbers(std::int64_t count, float range, unsigned seed) const {
    return between(count, -range, range, seed);
  }
  Tensor activations(const TensorShape& shape, std::span<const float> values);
  // Of the activations' type, as weights have it.
  Tensor weights(const TensorShape& shape, std::span<const float> values);

  // Adds a result: the largest difference over the largest value of `truth`, beside what it may be.
  void compare(std::string_view name, const Tensor& got, std::span<const float> truth,
               double bound);

  std::vector<CheckResult> results;

 private:
  const bool tf32_;
};

// Of products, norms and what is done element by element.
void check_plain_ops(SelfTestChecks& checks);
// Of the layers that are no mLSTM: per-head products, convolution, sLSTM, attention between rows.
void check_layer_ops(SelfTestChecks& checks);
// Of the mLSTM cell and the mixer around it, in chunks and token by token.
void check_mlstm_ops(SelfTestChecks& checks);

}  // namespace xlstm
