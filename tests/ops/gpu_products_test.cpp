// What is asked of GPUs, and what the self test allows them. Without one: the decisions, and a CPU
// that is given what TF32 leaves of its inputs.
#include "xlstm/ops/gpu_products.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <random>
#include <string>

#include "mlx/ops.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/self_test.h"
#include "xlstm/ops/self_test_bounds.h"

namespace xlstm::ops {
namespace {

// MLX_ENABLE_TF32 as it was, at the end.
class Tf32Variable : public ::testing::Test {
 protected:
  Tf32Variable() {
    if (const char* const value = std::getenv("MLX_ENABLE_TF32")) before_ = value;
    ::unsetenv("MLX_ENABLE_TF32");
  }
  ~Tf32Variable() override {
    if (before_) {
      set(*before_);
    } else {
      ::unsetenv("MLX_ENABLE_TF32");
    }
  }
  static void set(const std::string& value) { ::setenv("MLX_ENABLE_TF32", value.c_str(), 1); }
  static std::optional<std::string> now() {
    const char* const value = std::getenv("MLX_ENABLE_TF32");
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  }

 private:
  std::optional<std::string> before_;
};

TEST_F(Tf32Variable, FloatMeansFloatOnAGpuUnlessTheUserSaysOtherwise) {
  ask_for_float32_products(mx::Device::cpu);
  EXPECT_EQ(now(), std::nullopt);  // nothing to ask for
  ask_for_float32_products(mx::Device::gpu);
  EXPECT_EQ(now(), "0");
  for (const std::string value : {"1", "0", ""}) {
    set(value);
    ask_for_float32_products(mx::Device::gpu);
    EXPECT_EQ(now(), value);
  }
}

TEST_F(Tf32Variable, IsReadAsMlxReadsIt) {
  EXPECT_FALSE(tf32_wanted(mx::Device::gpu));
  for (const char* value : {"0", "", "no", "true"}) {
    set(value);
    EXPECT_FALSE(tf32_wanted(mx::Device::gpu)) << value;
  }
  for (const char* value : {"1", "2"}) {
    set(value);
    EXPECT_TRUE(tf32_wanted(mx::Device::gpu)) << value;
    EXPECT_FALSE(tf32_wanted(mx::Device::cpu)) << value;
  }
}

TEST(SelfTest, BoundsAllowForTf32OnlyWhereItIsWanted) {
  const auto exact = self_test(false), rounded = self_test(true);
  ASSERT_EQ(exact.size(), rounded.size());
  for (std::size_t at = 0; at < exact.size(); ++at) {
    EXPECT_TRUE(exact[at].ok()) << exact[at].name;
    EXPECT_EQ(exact[at].error, rounded[at].error);
    const bool products = exact[at].name != "rms_norm" && exact[at].name != "head_norm" &&
                          exact[at].name != "mlstm_step state";
    if (!products) {
      EXPECT_EQ(rounded[at].bound, exact[at].bound) << exact[at].name;
    }
    EXPECT_EQ(rounded[at].bound > kTf32Product, products) << exact[at].name;
    // What is wrong altogether has an error of about 1.
    EXPECT_LT(rounded[at].bound, 0.5) << exact[at].name;
  }
}

// What TF32 keeps of a number: 10 bits behind the first.
float cut(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits &= ~std::uint32_t{0x1FFF};
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

std::vector<float> uniform(std::size_t count, float range, std::mt19937& random) {
  std::uniform_real_distribution<float> draw(-range, range);
  std::vector<float> out(count);
  for (float& x : out) x = draw(random);
  return out;
}

TEST(Tf32, AProductOfCutFactorsLosesAtMostItsShare) {
  std::mt19937 random(1);
  const std::vector<float> a = uniform(20'000, 3, random), b = uniform(20'000, 3, random);
  double worst = 0;
  for (std::size_t at = 0; at < a.size(); ++at) {
    const double exact = static_cast<double>(a[at]) * b[at];
    worst = std::max(worst, std::abs(static_cast<double>(cut(a[at])) * cut(b[at]) / exact - 1));
  }
  EXPECT_LE(worst, kTf32Product);
  EXPECT_GT(worst, kTf32Product / 2);
}

// One token from a fresh state: C = k v, h = (q k) v / max(|q k|, 1) for i = m = 0, with the
// products' factors cut one after the other as a GPU's would be.
TEST(Tf32, TheCellStaysWithinItsBounds) {
  std::mt19937 random(2);
  constexpr int kWidth = 8, kValues = 6;
  for (int repeat = 0; repeat < 200; ++repeat) {
    const std::vector<float> q = uniform(kWidth, 2, random), k = uniform(kWidth, 2, random);
    const std::vector<float> v = uniform(kValues, 1, random), i = {0}, f = {30};
    const CellBounds bounds = tf32_cell_bounds({1, 1, 1, kWidth, kValues, 0, q, k, v, i, f});
    const double scale = 1 / std::sqrt(static_cast<double>(kWidth));
    double exact = 0, rounded = 0;
    for (int a = 0; a < kWidth; ++a) {
      exact += scale * q[a] * k[a];
      rounded += static_cast<double>(cut(static_cast<float>(scale * q[a]))) * cut(k[a]);
    }
    double largest_h = 0, error_h = 0, largest_C = 0, error_C = 0;
    for (const float value : v) {
      const double h = exact * value / std::max(std::abs(exact), 1.0);
      const double got = static_cast<double>(cut(static_cast<float>(rounded))) * cut(value) /
                         std::max(std::abs(rounded), 1.0);
      largest_h = std::max(largest_h, std::abs(h));
      error_h = std::max(error_h, std::abs(got - h));
      for (const float key : k) {
        const double entry = static_cast<double>(key) * value;
        largest_C = std::max(largest_C, std::abs(entry));
        error_C = std::max(error_C, std::abs(static_cast<double>(cut(key)) * cut(value) - entry));
      }
    }
    EXPECT_LE(error_h, bounds.chunk_h * largest_h) << repeat;
    EXPECT_LE(error_C, bounds.chunk_C * largest_C) << repeat;
    EXPECT_LT(bounds.step_h, bounds.chunk_h) << repeat;
  }
}

}  // namespace
}  // namespace xlstm::ops
