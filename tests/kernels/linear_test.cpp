#include "xlstm/kernels/linear/linear.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "tests/kernels/linear_cases.h"
#include "tests/kernels/op_cases.h"
#include "tests/kernels/ways.h"
#include "xlstm/base/dtype.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"

namespace xlstm::testing {
namespace {

using kernels::kLinearDotRows;
using kernels::WeightType;

// W in its own type, `offset` elements behind an aligned address.
class Weights {
 public:
  Weights(WeightType type, const std::vector<float>& values, std::size_t offset = 0)
      : type_(type), size_(kernels::weight_bytes(type)), offset_(offset * size_) {
    memory_.resize(offset_ + values.size() * size_ + 1);
    for (std::size_t at = 0; at < values.size(); ++at) set(at, values[at]);
  }
  void set(std::size_t at, float value) {
    if (type_ == WeightType::kF32) return put(at, &value);
    const std::uint16_t bits =
        type_ == WeightType::kBF16 ? bf16_from_float(value) : f16_from_float(value);
    put(at, &bits);
  }
  void set_bits(std::size_t at, std::uint16_t bits) { put(at, &bits); }
  WeightType type() const { return type_; }
  const void* data() const { return memory_.data() + offset_; }

 private:
  void put(std::size_t at, const void* value) {
    std::memcpy(memory_.data() + offset_ + at * size_, value, size_);
  }
  WeightType type_;
  std::size_t size_, offset_;
  std::vector<std::byte> memory_;
};

struct Inputs {
  LinearShape shape;
  std::vector<float> x, bias;  // [M, K], [N] or empty
  Weights W;                   // [N, K]
};

// Whole numbers so small that every sum is exact in float32, in whichever order: results must be
// equal to the reference's, to the last bit.
Inputs exact_inputs(const LinearShape& shape, WeightType type, bool with_bias,
                    std::size_t offset = 0) {
  std::mt19937_64 random(shape.M * 1'000'003 + shape.N * 1009 + shape.K);
  const auto [M, N, K] = shape;
  return {shape, whole_floats(M * K, 30, random),
          with_bias ? whole_floats(N, 1000, random) : std::vector<float>(),
          Weights(type, whole_floats(N * K, 30, random), offset)};
}

template <class Kernel>
std::vector<float> run(Kernel kernel, const Inputs& in) {
  const auto [M, N, K] = in.shape;
  std::vector<float> y(M * N, -1.0F);
  kernel(in.x.data(), static_cast<std::ptrdiff_t>(K), in.W.data(), in.W.type(),
         in.bias.empty() ? nullptr : in.bias.data(), y.data(), static_cast<std::ptrdiff_t>(N), M, N,
         K);
  return y;
}

std::string text(const LinearShape& shape, WeightType type, const char* target) {
  return std::string(target) + " " + name_of(type) + " M " + std::to_string(shape.M) + " N " +
         std::to_string(shape.N) + " K " + std::to_string(shape.K);
}

TEST(LinearReference, IsTheFormula) {
  const std::vector<float> x = {1, 2, 3, -1, 0, 4};            // [2, 3]
  const std::vector<float> bias = {10, -20};                   // [2]
  const Weights W(WeightType::kBF16, {1, 0, 2, 0.5F, -1, 3});  // [2, 3]
  const Inputs in{{2, 2, 3}, x, bias, W};
  EXPECT_EQ(run(kernels::linear_reference, in), (std::vector<float>{17, -12.5F, 17, -8.5F}));
}

TEST(Linear, EqualsTheReferenceOnWholeNumbersAtEverySize) {
  std::size_t case_at = 0;
  for (const LinearShape& shape : linear_edge_shapes()) {
    for (const WeightType type : kWeightTypes) {
      if (case_at++ % kCaseStep != 0) continue;
      const Inputs in = exact_inputs(shape, type, shape.K % 2 == 0);
      const std::vector<float> truth = run(kernels::linear_reference, in);
      for_each_way([&](const char* target) {
        EXPECT_EQ(run(on(test_pool(), kernels::linear), in), truth) << text(shape, type, target);
      });
    }
  }
}

TEST(Linear, WritesItsOutputsAndNothingElseAtEveryAlignment) {
  for (const LinearShape& shape : {LinearShape{1, 9, 35}, {5, 13, 3}, {16, 30, 40}, {21, 45, 37}}) {
    const std::size_t M = shape.M, N = shape.N, K = shape.K;
    for (const std::size_t offset : {0, 1, 3}) {
      for (const WeightType type : kWeightTypes) {
        const Inputs in = exact_inputs(shape, type, true, offset);
        const std::vector<float> truth = run(kernels::linear_reference, in);
        const std::size_t x_stride = K + offset;
        std::vector<float> x(offset + M * x_stride);
        for (std::size_t at = 0; at < M * K; ++at)
          x[offset + at / K * x_stride + at % K] = in.x[at];
        std::vector<float> bias(offset);
        bias.insert(bias.end(), in.bias.begin(), in.bias.end());
        for_each_way([&](const char* target) {
          GuardedRows y(M, N, N + offset, offset);
          kernels::linear(test_pool(), x.data() + offset, static_cast<std::ptrdiff_t>(x_stride),
                          in.W.data(), type, bias.data() + offset, y.data(),
                          static_cast<std::ptrdiff_t>(N + offset), M, N, K);
          EXPECT_EQ(y.values(), truth) << text(shape, type, target) << " offset " << offset;
          EXPECT_TRUE(y.intact()) << text(shape, type, target) << " offset " << offset;
        });
      }
    }
  }
}

// The layers of real models with real numbers, within the derived bound.
TEST(Linear, StaysWithinTheBoundOnModelLayers) {
  std::size_t case_at = 0;
  constexpr std::size_t kMostWeights = std::size_t{1} << 22;  // keeps the reference quick
  for (const LinearLayer& layer : linear_layers()) {
    if (layer.N * layer.K > kMostWeights) continue;
    for (const std::size_t M : {1, 4, 11, 17, 45}) {
      if (case_at++ % kCaseStep != 0) continue;
      std::mt19937_64 random(layer.N + layer.K + M);
      const LinearShape shape{M, layer.N, layer.K};
      const std::vector<float> w = uniform_floats(layer.N * layer.K, 0.1F, random);
      const WeightType type = kWeightTypes[(layer.N / 8 + M) % 3];
      Inputs in{shape, uniform_floats(M * layer.K, 2.0F, random),
                uniform_floats(layer.N, 1.0F, random), Weights(type, w)};
      const std::vector<float> truth = run(kernels::linear_reference, in);
      std::vector<std::vector<float>> results;
      std::vector<std::string> targets;
      std::vector<bool> rounds_x;
      for_each_way([&](const char* target) {
        results.push_back(run(on(test_pool(), kernels::linear), in));
        targets.emplace_back(target);
        rounds_x.push_back(M > kernels::linear_dot_rows(type) && kernels::linear_rounds_x(type));
      });
      // The same sums over absolute values.
      std::vector<float> absolute = w;
      for (float& value : absolute) value = std::abs(value);
      in.W = Weights(type, absolute);
      for (float& value : in.x) value = std::abs(value);
      for (float& value : in.bias) value = std::abs(value);
      const std::vector<float> magnitudes = run(kernels::linear_reference, in);
      for (std::size_t r = 0; r < results.size(); ++r) {
        double worst = 0;
        for (std::size_t at = 0; at < truth.size(); ++at) {
          const double error = std::abs(static_cast<double>(results[r][at]) - truth[at]);
          const auto bound = rounds_x[r] ? bf16_dot_bound : dot_bound;
          worst = std::max(worst, error / bound(layer.K, magnitudes[at]));
        }
        EXPECT_LE(worst, 1.0) << layer.model << " " << layer.layer << " "
                              << text(shape, type, targets[r].c_str());
        EXPECT_GT(worst, 0.0) << "not even rounding: " << targets[r];
      }
    }
  }
}

TEST(Linear, ForcedTargetsAreReallyDifferent) {
  // Other vectors, other order of summation, other last bits.
  std::mt19937_64 random(7);
  const Inputs in{{1, 64, 1000},
                  uniform_floats(1000, 1.0F, random),
                  {},
                  Weights(WeightType::kF32, uniform_floats(64'000, 1.0F, random))};
  std::set<std::vector<float>> distinct;
  std::set<std::string> targets;
  for_each_simd_target([&](const char* name) {
    distinct.insert(run(on(test_pool(), kernels::linear), in));
    // A baseline with vectors has four lanes and rounds products, as SSE4 does.
    const bool as_sse4 = std::string(name) == "scalar" && HWY_STATIC_TARGET != HWY_SCALAR;
    targets.insert(as_sse4 ? "sse4" : name);
  });
  EXPECT_EQ(distinct.size(), targets.size());
}

TEST(Linear, EveryHalfPrecisionWeightIsWidenedExactly) {
  for (const WeightType type : {WeightType::kBF16, WeightType::kF16}) {
    constexpr std::size_t kAll = 65'536;
    Weights W(type, std::vector<float>(kAll));
    for (std::size_t bits = 0; bits < kAll; ++bits) {
      W.set_bits(bits, static_cast<std::uint16_t>(bits));
    }
    for (const std::size_t M : {std::size_t{1}, kLinearDotRows + 1}) {
      const Inputs in{{M, kAll, 1}, std::vector<float>(M, 1.0F), {}, W};
      for_each_way([&](const char* target) {
        const std::vector<float> y = run(on(test_pool(), kernels::linear), in);
        for (std::size_t bits = 0; bits < kAll; ++bits) {
          const auto half = static_cast<std::uint16_t>(bits);
          const float wanted =
              type == WeightType::kBF16 ? float_from_bf16(half) : float_from_f16(half);
          const float got = y[(M - 1) * kAll + bits];
          const bool lost = M > kernels::linear_dot_rows(type) && kernels::linear_rounds_x(type) &&
                            std::abs(wanted) < std::numeric_limits<float>::min();
          ASSERT_TRUE(got == (lost ? 0.0F : wanted) || (std::isnan(got) && std::isnan(wanted)))
              << target << " " << name_of(type) << " bits " << bits << ": " << got;
        }
      });
    }
  }
}

TEST(Linear, ManyRowsAreRoundedToBfloat16AndNoFurther) {
  // x of 9 significant bits: ties, which go to the even neighbour; weights that show each of them.
  constexpr std::size_t M = 18, K = 41;
  std::mt19937_64 random(3);
  std::vector<float> x(M * K), rounded(M * K);
  for (std::size_t at = 0; at < x.size(); ++at) {
    x[at] = static_cast<float>(257 + 2 * (random() % 100)) * (random() % 2 == 0 ? 1.0F : -1.0F);
    rounded[at] = float_from_bf16(bf16_from_float(x[at]));
  }
  const Weights W(WeightType::kBF16, whole_floats(40 * K, 5, random));
  const Inputs in{{M, 40, K}, x, {}, W}, in_rounded{{M, 40, K}, rounded, {}, W};
  const auto exact = run(kernels::linear_reference, in);
  const auto of_rounded = run(kernels::linear_reference, in_rounded);
  ASSERT_NE(exact, of_rounded);
  for_each_way([&](const char* target) {
    const bool rounds = kernels::linear_rounds_x(WeightType::kBF16);
    EXPECT_EQ(run(on(test_pool(), kernels::linear), in), rounds ? of_rounded : exact) << target;
    EXPECT_FALSE(kernels::linear_rounds_x(WeightType::kF32)) << target;
    EXPECT_FALSE(kernels::linear_rounds_x(WeightType::kF16)) << target;
  });
}

TEST(Linear, ThreadCountDoesNotChangeABit) {
  for (const LinearShape& shape : {LinearShape{1, 2000, 1100},
                                   {7, 900, 700},
                                   {300, 8, 2000},
                                   {40, 700, 333},
                                   {1300, 70, 1100},
                                   {700, 96, 300}}) {
    for (const WeightType type : {WeightType::kF32, WeightType::kBF16}) {
      std::mt19937_64 random(shape.M);
      const Inputs in{shape, uniform_floats(shape.M * shape.K, 1.0F, random),
                      uniform_floats(shape.N, 1.0F, random),
                      Weights(type, uniform_floats(shape.N * shape.K, 1.0F, random))};
      ThreadPool alone(1);
      const std::vector<float> one = run(on(alone, kernels::linear), in);
      for (const std::size_t threads : {2, 3, 5, 8}) {
        ThreadPool pool(threads);
        EXPECT_EQ(run(on(pool, kernels::linear), in), one)
            << text(shape, type, "") << " on " << threads;
      }
    }
  }
}

TEST(Linear, ARowOfFewDoesNotDependOnTheOthers) {
  for (const std::size_t K : {5, 256, 1111}) {
    std::mt19937_64 random(K);
    const Inputs all{{kLinearDotRows, 50, K},
                     uniform_floats(kLinearDotRows * K, 1.0F, random),
                     {},
                     Weights(WeightType::kF32, uniform_floats(50 * K, 1.0F, random))};
    for_each_way([&](const char* target) {
      const std::vector<float> last = [&] {
        const std::vector<float> y = run(on(test_pool(), kernels::linear), all);
        return std::vector<float>(y.end() - 50, y.end());
      }();
      for (std::size_t M = 1; M < kLinearDotRows; ++M) {
        const Inputs some{
            {M, 50, K}, {all.x.end() - static_cast<std::ptrdiff_t>(M * K), all.x.end()}, {}, all.W};
        const std::vector<float> y = run(on(test_pool(), kernels::linear), some);
        EXPECT_EQ(std::vector<float>(y.end() - 50, y.end()), last) << target << " M " << M;
      }
    });
  }
}

TEST(Linear, ARowOfManyDoesNotDependOnTheOthersOrOnTheirNumber) {
  // Two kernels may share the work: what few rows and what very many go by is the same to the bit.
  constexpr std::size_t kMost = 300;
  std::size_t at = 0;
  for (const WeightType type : kWeightTypes) {
    for (const LinearShape& shape :
         {LinearShape{kMost, 50, 37}, {kMost, 33, 1030}, {kMost, 24, 64}, {kMost, 65, 2751}}) {
      if (at++ % kCaseStep != 0) continue;
      const std::size_t N = shape.N, K = shape.K;
      std::mt19937_64 random(K);
      const Inputs all{shape, uniform_floats(kMost * K, 1.0F, random),
                       uniform_floats(N, 1.0F, random),
                       Weights(type, uniform_floats(N * K, 1.0F, random))};
      for_each_way([&](const char* target) {
        const std::vector<float> y = run(on(test_pool(), kernels::linear), all);
        const std::size_t fewest = kernels::linear_dot_rows(type) + 1;
        for (const std::size_t M : {fewest, fewest + 1, std::size_t{14}, std::size_t{15},
                                    std::size_t{33}, std::size_t{71}, std::size_t{141}}) {
          if (M < fewest) continue;
          const std::size_t first = random() % (kMost - M);
          const auto begin = all.x.begin() + static_cast<std::ptrdiff_t>(first * K);
          const Inputs some{
              {M, N, K}, {begin, begin + static_cast<std::ptrdiff_t>(M * K)}, all.bias, all.W};
          const std::vector<float> got = run(on(test_pool(), kernels::linear), some);
          EXPECT_TRUE(std::equal(got.begin(), got.end(),
                                 y.begin() + static_cast<std::ptrdiff_t>(first * N)))
              << text(some.shape, type, target) << " from row " << first;
        }
      });
    }
  }
}

TEST(Linear, ANanInOneRowOfXReachesThatRowOnly) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const LinearShape& shape : {LinearShape{5, 40, 37}, {20, 40, 37}, {21, 40, 37}, {3, 5, 7}}) {
    for (const std::size_t k : {std::size_t{0}, shape.K / 2, shape.K - 1}) {
      const WeightType type = shape.M % 2 == 0 ? WeightType::kF32 : WeightType::kBF16;
      Inputs in = exact_inputs(shape, type, true);
      const std::size_t row = shape.M / 2;
      in.x[row * shape.K + k] = nan;
      for_each_way([&](const char* target) {
        const std::vector<float> y = run(on(test_pool(), kernels::linear), in);
        for (std::size_t at = 0; at < y.size(); ++at) {
          ASSERT_EQ(std::isnan(y[at]), at / shape.N == row)
              << text(shape, type, target) << " k " << k << " at " << at;
        }
      });
    }
  }
}

TEST(Linear, AnInfiniteWeightMakesItsColumnInfinite) {
  for (const std::size_t M : {3, 20, 21}) {
    for (std::size_t k = 0; k < 37; ++k) {
      const LinearShape shape{M, 40, 37};
      Inputs in = exact_inputs(shape, M == 21 ? WeightType::kBF16 : WeightType::kF32, false);
      for (float& value : in.x) value = std::abs(value) + 1.0F;  // no 0 x infinity
      in.W.set(11 * shape.K + k, std::numeric_limits<float>::infinity());
      for_each_way([&](const char* target) {
        const std::vector<float> y = run(on(test_pool(), kernels::linear), in);
        for (std::size_t at = 0; at < y.size(); ++at) {
          ASSERT_EQ(std::isinf(y[at]), at % shape.N == 11) << target << " k " << k << " at " << at;
          ASSERT_FALSE(std::isnan(y[at])) << target << " k " << k << " at " << at;
        }
      });
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
