#include "xlstm/ops/choose.h"

#include <gtest/gtest.h>

#include <vector>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"

namespace xlstm::ops {
namespace {
namespace mx = mlx::core;

TEST(Choose, TheLargestIsMlxs) {
  for (const int V : {1, 5, 64, 1000}) {
    const mx::array logits = mx::random::normal({7, V}, mx::random::key(3));
    EXPECT_TRUE(mx::array_equal(largest(logits), largest_definition(logits)).item<bool>()) << V;
  }
}

// Shares of three tokens among 30,000 draws; a share's standard deviation is below 0.003.
std::vector<double> shares(const mx::array& ids) {
  std::vector<double> out;
  for (int id = 0; id < 3; ++id) {
    mx::array hits = mx::sum(mx::astype(mx::equal(ids, mx::array(id)), mx::float32));
    out.push_back(static_cast<double>(hits.item<float>()) / static_cast<double>(ids.size()));
  }
  return out;
}

TEST(Choose, BothWaysDrawFromTheSameDistribution) {
  const mx::array logits = mx::log(mx::array({0.5F, 0.2F, 0.3F}, {1, 3}));
  const mx::array rows = mx::broadcast_to(logits, {30'000, 3});
  const auto fast = shares(draw(rows, mx::random::key(1)));
  const auto plain = shares(draw_definition(rows, mx::random::key(2)));
  const std::vector<double> wanted = {0.5, 0.2, 0.3};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(fast[i], wanted[i], 5 * 0.003) << i;
    EXPECT_NEAR(plain[i], wanted[i], 5 * 0.003) << i;
  }
}

TEST(Choose, WrongShapesAreRefused) {
  EXPECT_THROW(largest(mx::zeros({3})), Error);
  EXPECT_THROW(largest(mx::zeros({1, 0})), Error);
  EXPECT_THROW(draw(mx::zeros({1, 3}, mx::int32), mx::random::key(1)), Error);
}

}  // namespace
}  // namespace xlstm::ops
