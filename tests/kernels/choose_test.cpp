#include "xlstm/kernels/choose/choose.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/kernels/op_cases.h"

namespace xlstm::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::vector<float> random_logits(std::size_t V, unsigned seed, float range = 20.0F) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> any(-range, range);
  std::vector<float> out(V);
  for (float& x : out) x = any(random);
  return out;
}

// Borders of token `id`'s stretch of the unit interval, in float64.
std::pair<double, double> stretch(const std::vector<float>& logits, std::size_t id,
                                  double temperature = 1) {
  const double most = logits[argmax_reference(logits.data(), logits.size())];
  const auto weight = [&](float l) { return std::exp((l - most) / temperature); };
  double total = 0, before = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (i == id) before = total;
    total += weight(logits[i]);
  }
  return {before / total, (before + weight(logits[id])) / total};
}

TEST(Choose, TheLargestIsTheReferencesOnEveryTarget) {
  testing::for_each_simd_target([](const char* target) {
    for (const std::size_t V : {1, 2, 15, 16, 17, 63, 64, 65, 1000, 50'304}) {
      const auto logits = random_logits(V, static_cast<unsigned>(V));
      EXPECT_EQ(argmax(logits.data(), V), argmax_reference(logits.data(), V)) << target << V;
      auto last = logits;
      last.back() = 21;
      EXPECT_EQ(argmax(last.data(), V), V - 1) << target;
    }
  });
}

TEST(Choose, OfEqualsTheLowestIsTheLargest) {
  testing::for_each_simd_target([](const char* target) {
    std::vector<float> logits(100, -kInf);
    EXPECT_EQ(argmax(logits.data(), logits.size()), 0U) << target;
    logits[40] = logits[77] = 3;
    EXPECT_EQ(argmax(logits.data(), logits.size()), 40U) << target;
  });
}

TEST(Choose, NanIsNeverTheLargest) {
  testing::for_each_simd_target([](const char* target) {
    std::vector<float> logits(70, std::numeric_limits<float>::quiet_NaN());
    EXPECT_LT(argmax(logits.data(), logits.size()), logits.size()) << target;
    logits[69] = -5;
    EXPECT_EQ(argmax(logits.data(), logits.size()), 69U) << target;
    logits[3] = -2;
    EXPECT_EQ(argmax(logits.data(), logits.size()), 3U) << target;
  });
}

// A weight has the error of exp in float32, a few units in the last place (hwy/contrib/math: 1; our
// difference of logits, up to 40, adds 40 eps); borders are sums of weights, in float64.
TEST(Choose, WhatIsDrawnHoldsTheNumberInItsStretch) {
  const double bound = 64 * 0x1p-24;
  testing::for_each_simd_target([&](const char* target) {
    for (const std::size_t V : {1, 2, 7, 64, 255, 256, 257, 5000}) {
      const auto logits = random_logits(V, static_cast<unsigned>(V) + 1);
      std::mt19937_64 random(V);
      std::uniform_real_distribution<double> unit(0, 1);
      for (int i = 0; i < 50; ++i) {
        const double u = i == 0 ? 0.0 : i == 1 ? 1.0 - 0x1p-53 : unit(random);
        const auto [low, high] = stretch(logits, sample_categorical(logits.data(), V, 1, u));
        EXPECT_LE(low, u + bound) << target << " " << V;
        EXPECT_GE(high, u - bound) << target << " " << V;
      }
    }
  });
}

// The quotient's rounding is one more eps of d, which is up to 40 / 0.7 here.
TEST(Choose, TemperatureMovesTheBorders) {
  const auto logits = random_logits(3000, 11);
  const double bound = 128 * 0x1p-24;
  testing::for_each_simd_target([&](const char* target) {
    std::mt19937_64 random(12);
    std::uniform_real_distribution<double> unit(0, 1);
    for (const float temperature : {0.7F, 1.5F, 100.0F}) {
      for (int i = 0; i < 50; ++i) {
        const double u = unit(random);
        const std::size_t id = sample_categorical(logits.data(), 3000, temperature, u);
        const auto [low, high] = stretch(logits, id, temperature);
        EXPECT_LE(low, u + bound) << target << " " << temperature;
        EXPECT_GE(high, u - bound) << target << " " << temperature;
        const std::size_t reference =
            sample_categorical_reference(logits.data(), 3000, temperature, u);
        const auto [from, to] = stretch(logits, reference, temperature);
        EXPECT_LE(from, u + 0x1p-40);
        EXPECT_GE(to, u - 0x1p-40);
      }
    }
  });
}

TEST(Choose, TheReferenceDrawsTheSameAwayFromBorders) {
  const auto logits = random_logits(3000, 5);
  std::mt19937_64 random(6);
  std::uniform_real_distribution<double> unit(0, 1);
  int same = 0;
  for (int i = 0; i < 200; ++i) {
    const double u = unit(random);
    same += sample_categorical(logits.data(), 3000, 1, u) ==
                    sample_categorical_reference(logits.data(), 3000, 1, u)
                ? 1
                : 0;
  }
  EXPECT_GE(same, 198);  // a border within 64 eps of u has a chance of 3000 * 8e-6 in all of 200
}

TEST(Choose, WhatIsBarredIsNeverDrawn) {
  testing::for_each_simd_target([](const char* target) {
    for (const std::size_t V : {3, 300, 2000}) {
      std::vector<float> logits(V, -kInf);
      logits[V - 2] = -1000;
      for (const double u : {0.0, 0.5, 1.0 - 0x1p-53}) {
        EXPECT_EQ(sample_categorical(logits.data(), V, 1, u), V - 2) << target << " " << u;
      }
    }
  });
}

// As the header derives it, and the truth's own float64 rounding.
TEST(Choose, LogSumExpKeepsItsBound) {
  testing::for_each_simd_target([](const char* target) {
    for (const std::size_t V : {1, 2, 15, 16, 17, 255, 256, 257, 1000, 50'304, 140'000}) {
      for (const float range : {1e-3F, 20.0F, 300.0F}) {
        auto logits = random_logits(V, static_cast<unsigned>(V) + 2, range);
        const double bound = 0x1p-24 * (std::log(static_cast<double>(V)) + 3) +
                             static_cast<double>(V) * 0x1p-126 + 0x1p-40;
        EXPECT_NEAR(log_sum_exp(logits.data(), V), log_sum_exp_reference(logits.data(), V), bound)
            << target << " " << V << " " << range;
        if (V < 3) continue;
        logits[1] = logits[V - 1] = -kInf;
        EXPECT_NEAR(log_sum_exp(logits.data(), V), log_sum_exp_reference(logits.data(), V), bound)
            << target << " " << V << " " << range;
      }
    }
  });
}

TEST(Choose, LogSumExpOfOneTokenIsItsLogit) {
  testing::for_each_simd_target([](const char* target) {
    std::vector<float> logits(300, -kInf);
    logits[270] = 123.5F;
    EXPECT_EQ(log_sum_exp(logits.data(), logits.size()), 123.5) << target;
    EXPECT_EQ(log_sum_exp(logits.data() + 270, 1), 123.5) << target;
  });
}

// Vocabularies beyond 131,072 have several blocks to a sum.
TEST(Choose, SamplesOfALargeVocabularyHoldTheNumberInTheirStretch) {
  const std::size_t V = 300'001;
  const auto logits = random_logits(V, 8);
  for (const double u : {0.0, 0.25, 0.5, 0.75, 1.0 - 0x1p-53}) {
    const auto [low, high] = stretch(logits, sample_categorical(logits.data(), V, 1, u));
    EXPECT_LE(low, u + 64 * 0x1p-24) << u;
    EXPECT_GE(high, u - 64 * 0x1p-24) << u;
  }
}

}  // namespace
}  // namespace xlstm::kernels
