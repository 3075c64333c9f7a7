// The fused block and head against the recipe, op by op.
#include "xlstm/model/large_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mlx/mlx.h"
#include "tests/model/fixture.h"
#include "xlstm/base/error.h"
#include "xlstm/model/large_head.h"

namespace xlstm::testing {
namespace {
namespace mx = mlx::core;

// Random arrays, a new one at each call.
class Weights {
 public:
  mx::array matrix(std::int64_t N, std::int64_t K) {
    return normal({static_cast<int>(N), static_cast<int>(K)}) *
           mx::array(1.0F / std::sqrt(static_cast<float>(K)));
  }
  std::optional<mx::array> bias(const LargeDims& d, std::int64_t N) {
    if (!d.use_bias) return std::nullopt;
    return normal({static_cast<int>(N)});
  }
  ops::Norm norm(const LargeDims& d, std::int64_t width) {
    return {normal({static_cast<int>(width)}), bias(d, width)};
  }
  ops::Dense dense(const LargeDims& d, std::int64_t N, std::int64_t K) {
    return {matrix(N, K), bias(d, N)};
  }
  mx::array normal(const mx::Shape& shape) {
    return mx::random::normal(shape, mx::float32, 0, 1, mx::random::key(++seed_));
  }

 private:
  std::uint64_t seed_ = 0;
};

LargeDims dims_of(std::int64_t D, std::int64_t NH, std::int64_t DHQK, std::int64_t DHV,
                  std::int64_t F, bool use_bias) {
  LargeDims d;
  d.V = 101;
  d.D = D;
  d.L = 1;
  d.NH = NH;
  d.DHQK = DHQK;
  d.DHV = DHV;
  d.F = F;
  d.use_bias = use_bias;
  if (use_bias) d.gate_soft_cap = std::nullopt;
  return d;
}

ops::LargeBlockArrays arrays_of(const LargeDims& d) {
  Weights w;
  const std::int64_t QK = d.NH * d.DHQK, V = d.NH * d.DHV;
  return {w.norm(d, d.D),
          w.dense(d, 2 * QK + 2 * V, d.D),
          w.dense(d, 2 * d.NH, d.D),
          w.norm(d, V),
          w.dense(d, d.D, V),
          w.norm(d, d.D),
          w.dense(d, 2 * d.F, d.D),
          w.dense(d, d.D, d.F)};
}

ops::MlstmState state_of(const LargeDims& d, int B) {
  Weights w;
  const int NH = static_cast<int>(d.NH), DHQK = static_cast<int>(d.DHQK);
  return {w.normal({B, NH, DHQK, static_cast<int>(d.DHV)}), w.normal({B, NH, DHQK}),
          w.normal({B, NH})};
}

const std::vector<LargeDims> kDims = {dims_of(32, 2, 4, 8, 48, false),
                                      dims_of(33, 3, 5, 7, 50, true),
                                      dims_of(128, 4, 16, 32, 344, false)};

// The head norm divides by a deviation that may be small beside its values: sums of DHV and DHQK
// terms arrive there enlarged. (Both ways compute in float32; a wrong formula is off by far more.)
double bound_of(const LargeDims& d, int S) {
  return 64 * rounding_bound(d, static_cast<std::size_t>(S));
}

TEST(LargeBlock, IsItsDefinition) {
  for (const LargeDims& d : kDims) {
    const LargeBlock block(arrays_of(d), d, mx::float32);
    for (const int B : {1, 3}) {
      for (const int S : {1, 2, 17, 64, 65, 130}) {
        const mx::array x = Weights().normal({B, S, static_cast<int>(d.D)});
        ops::MlstmState fused = state_of(d, B), plain = state_of(d, B);
        const mx::array got = block(x, fused), wanted = block.definition(x, plain);
        const double bound = bound_of(d, S);
        EXPECT_LE(relative_difference(values_of(got), values_of(wanted)), bound) << B << " " << S;
        EXPECT_LE(relative_difference(values_of(fused.C), values_of(plain.C)), bound);
        EXPECT_LE(relative_difference(values_of(fused.n), values_of(plain.n)), bound);
        EXPECT_LE(relative_difference(values_of(fused.m), values_of(plain.m)), bound);
      }
    }
  }
}

TEST(LargeBlock, WorksInPlaceOnlyWhereNobodyLooks) {
  const LargeDims& d = kDims[0];
  const LargeBlock block(arrays_of(d), d, mx::float32);
  mx::array x = Weights().normal({1, 1, 32});
  ops::MlstmState held = state_of(d, 1);
  mx::eval(x, held.C, held.n, held.m);
  const auto x_before = values_of(x), C_before = values_of(held.C);
  ops::MlstmState next = held;  // a fork
  const mx::array y = block(x, next);
  mx::eval(y, next.C);
  EXPECT_EQ(values_of(x), x_before);
  EXPECT_EQ(values_of(held.C), C_before);
  EXPECT_NE(values_of(next.C), C_before);

  const float* const memory = next.C.data<float>();
  const mx::array z = block(mx::zeros({1, 1, 32}), next);  // `next` is the state's only owner
  mx::eval(z);
  mx::eval(next.C);
  EXPECT_EQ(next.C.data<float>(), memory);
}

TEST(LargeBlock, RefusesShapesThatDoNotFit) {
  const LargeDims& d = kDims[0];
  const LargeBlock block(arrays_of(d), d, mx::float32);
  ops::MlstmState state = state_of(d, 1), two = state_of(d, 2);
  EXPECT_THROW(block(mx::zeros({1, 1, 31}), state), Error);
  EXPECT_THROW(block(mx::zeros({1, 1, 32}), two), Error);
  EXPECT_THROW(LargeBlock(arrays_of(kDims[1]), d, mx::float32), Error);
}

TEST(LargeHead, IsItsDefinition) {
  for (const LargeDims& d : kDims) {
    Weights w;
    for (const bool normed : {false, true}) {
      ops::LargeHeadArrays arrays = {std::nullopt, w.dense(d, d.V, d.D)};
      if (normed) arrays.norm = w.norm(d, d.D);
      const LargeHead head(arrays, d);
      const mx::array x = w.normal({3, 20, static_cast<int>(d.D)});
      for (const int positions : {0, 1, 7, 20}) {
        const mx::array got = head(x, positions);
        EXPECT_EQ(got.shape(), (mx::Shape{3, positions, static_cast<int>(d.V)}));
        if (positions == 0) continue;
        EXPECT_LE(relative_difference(values_of(got), values_of(head.definition(x, positions))),
                  rounding_bound(d, 1))
            << positions;
      }
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
