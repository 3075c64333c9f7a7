// Models and golden outputs as tests open them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mlx/mlx.h"
#include "xlstm/model/large_dims.h"
#include "xlstm/model/model.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {

inline std::filesystem::path data_folder() {
  return XLSTM_TEST_DATA;
}
inline std::filesystem::path classics_folder() {
  return std::filesystem::path(XLSTM_SOURCE_DIR) / "models/classics-8m";
}

inline Model open_model(const std::filesystem::path& folder,
                        ComputeDtype dtype = ComputeDtype::kFloat32) {
  const auto source = open_weights(folder);
  return Model::load(discover(folder, *source), *source, {dtype, {}});
}

// A small model whose sizes are no powers of two.
inline Model open_odd_model() {
  return open_model(data_folder() / "golden/large-odd-heads");
}

inline mlx::core::array tokens_of(const std::vector<std::int32_t>& ids, int B = 1) {
  const int S = static_cast<int>(ids.size()) / B;
  return mlx::core::array(ids.begin(), {B, S}, mlx::core::int32);
}

std::vector<float> values_of(const mlx::core::array& a);
std::vector<std::int32_t> random_ids(std::size_t count, std::int64_t V, unsigned seed);

// Largest |a - b| over largest |b|; infinity when sizes differ or something is not finite.
double relative_difference(const std::vector<float>& a, const std::vector<float>& b);

// The same over the three parts of every block.
double state_difference(const ModelState& a, const ModelState& b);

// How far two float32 evaluations of the model may be apart, relative to the largest value: each
// product of length n rounds n times at most, and the residual stream passes through all of a
// block's products, one block after the other; a recurrence of S steps rounds its state S times.
double rounding_bound(const LargeDims& dims, std::size_t S);

// The same where products with more than a few rows round these (linear_rounds_x(),
// quantized_linear_rounds_x()): each of four in a block and the head changes its input by at most
// 2^-8 of each element with bfloat16 weights, and by at most 1/254 of the largest of its group, so
// sqrt(group) / 254 of the group's length, with quantised ones; and roundings that know nothing of
// each other add as their squares do.
double bfloat16_bound(const LargeDims& dims, std::size_t S);
double quantised_bound(const LargeDims& dims, std::size_t S, std::size_t largest_group);

}  // namespace xlstm::testing
