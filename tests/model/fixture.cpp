#include "tests/model/fixture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::testing {
namespace mx = mlx::core;

std::vector<float> values_of(const mx::array& a) {
  mx::array row_major = mx::contiguous(mx::astype(a, mx::float32));
  row_major.eval();
  return {row_major.data<float>(), row_major.data<float>() + row_major.size()};
}

std::vector<std::int32_t> random_ids(std::size_t count, std::int64_t V, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int32_t> ids(count);
  for (auto& id : ids) id = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(V));
  return ids;
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i]))
      return std::numeric_limits<double>::infinity();
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return largest > 0 ? difference / largest : difference;
}

double state_difference(const ModelState& a, const ModelState& b) {
  if (a.positions != b.positions || a.blocks.size() != b.blocks.size()) {
    return std::numeric_limits<double>::infinity();
  }
  double worst = 0;
  for (std::size_t l = 0; l < a.blocks.size(); ++l) {
    const auto part = [&](mx::array ops::MlstmState::*member) {
      return relative_difference(values_of(a.blocks[l].*member), values_of(b.blocks[l].*member));
    };
    worst = std::max(
        {worst, part(&ops::MlstmState::C), part(&ops::MlstmState::n), part(&ops::MlstmState::m)});
  }
  return worst;
}

double rounding_bound(const LargeDims& d, std::size_t S) {
  const auto products = static_cast<double>(2 * d.D + d.DHQK + d.NH * d.DHV + d.F);
  const double roundings = static_cast<double>(d.L) * (products + static_cast<double>(S));
  return std::numeric_limits<float>::epsilon() * roundings;
}

namespace {

double rounded_products(const LargeDims& dims, std::size_t S, bool rounds, double change) {
  if (!rounds || S <= kernels::kLinearDotRows) return 0.0;
  return change * std::sqrt(4.0 * static_cast<double>(dims.L) + 1);
}

}  // namespace

double bfloat16_bound(const LargeDims& dims, std::size_t S) {
  const bool rounds = kernels::linear_rounds_x(kernels::WeightType::kBF16);
  return rounding_bound(dims, S) + rounded_products(dims, S, rounds, 0x1p-8);
}

double quantised_bound(const LargeDims& dims, std::size_t S, std::size_t largest_group) {
  const double change = std::sqrt(static_cast<double>(largest_group)) / 254;
  return rounding_bound(dims, S) +
         rounded_products(dims, S, kernels::quantized_linear_rounds_x(), change);
}

}  // namespace xlstm::testing
