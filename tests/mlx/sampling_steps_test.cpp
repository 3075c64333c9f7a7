// Each step alone: what it keeps and what it leaves, at the borders.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "xlstm/mlx/sampler.h"

namespace xlstm::mlx {
namespace {

using Row = std::vector<float>;

constexpr float kInf = std::numeric_limits<float>::infinity();

DeviceArray rows(const std::vector<Row>& values) {
  Row flat;
  for (const Row& row : values) flat.insert(flat.end(), row.begin(), row.end());
  return {mx::array(flat.begin(),
                    {static_cast<int>(values.size()), static_cast<int>(values[0].size())}),
          mx::Device::cpu};
}

std::vector<Row> values_of(A array) {
  mx::array ready = mx::contiguous(array.array, false, array.device);
  ready.eval();
  std::vector<Row> result;
  for (int b = 0; b < ready.shape(0); ++b) {
    const float* begin = ready.data<float>() + static_cast<std::ptrdiff_t>(b) * ready.shape(1);
    result.emplace_back(begin, begin + ready.shape(1));
  }
  return result;
}

Row apply(const LogitsStep& step, const Row& logits, Row seen = {}) {
  seen.resize(logits.size(), 0.0F);
  return values_of(step(rows({logits}), rows({seen})))[0];
}

// Ids that may still be chosen.
std::vector<int> kept(const LogitsStep& step, const Row& logits) {
  const Row out = apply(step, logits);
  std::vector<int> ids;
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_FALSE(std::isnan(out[i])) << i;
    if (out[i] != -kInf) ids.push_back(static_cast<int>(i));
  }
  return ids;
}

using Ids = std::vector<int>;

Row log_of(const Row& p) {
  Row logits;
  for (const float x : p) logits.push_back(std::log(x));
  return logits;
}

TEST(SamplingSteps, TopKKeepsExactlyK) {
  const Row logits = {1, 5, 3, 4, 2};
  EXPECT_EQ(kept(top_k(1), logits), (Ids{1}));
  EXPECT_EQ(kept(top_k(3), logits), (Ids{1, 2, 3}));
  EXPECT_EQ(kept(top_k(4), logits), (Ids{1, 2, 3, 4}));
  for (const int k : {0, 5, 6, 1 << 30})
    EXPECT_EQ(kept(top_k(k), logits), (Ids{0, 1, 2, 3, 4})) << k;
}

TEST(SamplingSteps, TopKPrefersTheLowerIdOnTies) {
  EXPECT_EQ(kept(top_k(1), {2, 2, 2, 2}), (Ids{0}));
  EXPECT_EQ(kept(top_k(3), {2, 2, 2, 2}), (Ids{0, 1, 2}));
  EXPECT_EQ(kept(top_k(3), {0, 7, 2, 9, 2, 2}), (Ids{1, 2, 3}));
}

TEST(SamplingSteps, TopKLeavesValuesAlone) {
  EXPECT_EQ(apply(top_k(2), {1, -5, 3}), (Row{1, -kInf, 3}));
}

TEST(SamplingSteps, TopKWithMaskedTokens) {
  EXPECT_EQ(kept(top_k(3), {-kInf, 1, -kInf, 2}), (Ids{1, 3}));
  EXPECT_EQ(kept(top_k(1), {-kInf, -kInf, 0}), (Ids{2}));
}

TEST(SamplingSteps, TopPKeepsTheSmallestSetWithThatMass) {
  // Powers of two, so that every sum is exact in float32: 1/2, 1/4, 1/8, 1/8.
  const Row logits = log_of({0.125F, 0.5F, 0.125F, 0.25F});
  EXPECT_EQ(kept(top_p(0.4F), logits), (Ids{1}));
  EXPECT_EQ(kept(top_p(0.55F), logits), (Ids{1, 3}));
  EXPECT_EQ(kept(top_p(0.7F), logits), (Ids{1, 3}));
  EXPECT_EQ(kept(top_p(0.8F), logits), (Ids{0, 1, 3}));  // of the equal two the lower id
  EXPECT_EQ(kept(top_p(0.9F), logits), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(kept(top_p(1.0F), logits), (Ids{0, 1, 2, 3}));
}

TEST(SamplingSteps, TopPStopsAtTheTokenThatReachesItExactly) {
  // Equal logits: exp(0) = 1 and quarters are exact.
  EXPECT_EQ(kept(top_p(0.25F), {3, 3, 3, 3}), (Ids{0}));
  EXPECT_EQ(kept(top_p(0.5F), {3, 3, 3, 3}), (Ids{0, 1}));
  EXPECT_EQ(kept(top_p(0.75F), {3, 3, 3, 3}), (Ids{0, 1, 2}));
}

TEST(SamplingSteps, TopPKeepsOneAtLeast) {
  EXPECT_EQ(kept(top_p(std::numeric_limits<float>::min()), {1, 2, 3}), (Ids{2}));
  EXPECT_EQ(kept(top_p(1e-9F), {1, 1, 1}), (Ids{0}));
  EXPECT_EQ(kept(top_p(0.5F), Row(1, 4.0F)), (Ids{0}));
}

TEST(SamplingSteps, TopPOfOneKeepsWhatRoundingWouldLose) {
  Row logits(1000, -80.0F);  // together far below float32's epsilon beside the first
  logits[0] = 80;
  EXPECT_EQ(kept(top_p(1.0F), logits).size(), 1000U);
  EXPECT_EQ(kept(top_p(0.999F), logits), (Ids{0}));
}

TEST(SamplingSteps, TopPWithMaskedTokens) {
  EXPECT_EQ(kept(top_p(0.999F), {-kInf, 1, -kInf, 1}), (Ids{1, 3}));
  EXPECT_EQ(kept(top_p(0.5F), {-kInf, 1, -kInf, 1}), (Ids{1}));
}

TEST(SamplingSteps, MinPIsRelativeToTheLikeliest) {
  const Row logits = log_of({0.1F, 0.5F, 0.26F, 0.14F});
  EXPECT_EQ(kept(min_p(0.0F), logits), (Ids{0, 1, 2, 3}));
  EXPECT_EQ(kept(min_p(0.25F), logits), (Ids{1, 2, 3}));
  EXPECT_EQ(kept(min_p(0.5F), logits), (Ids{1, 2}));
  EXPECT_EQ(kept(min_p(1.0F), logits), (Ids{1}));
  EXPECT_EQ(kept(min_p(1.0F), {2, 2, -kInf}), (Ids{0, 1}));
}

TEST(SamplingSteps, TemperatureScalesDifferences) {
  const Row out = apply(temperature(0.5F), {1, 3, 2, -kInf});
  EXPECT_EQ(out, (Row{-4, 0, -2, -kInf}));
}

TEST(SamplingSteps, TinyTemperatureLeavesTheLikeliest) {
  const Row out = apply(temperature(std::numeric_limits<float>::denorm_min()), {1, 3, 2});
  EXPECT_EQ(out, (Row{-kInf, 0, -kInf}));
}

TEST(SamplingSteps, RepetitionPenaltyShrinksAndPushesDown) {
  EXPECT_EQ(apply(repetition_penalty(2), {4, -4, 4, -4, 0, -kInf}, {1, 3, 0, 0, 1, 1}),
            (Row{2, -8, 4, -4, 0, -kInf}));
}

TEST(SamplingSteps, PresencePenaltyCountsOnceFrequencyEachTime) {
  EXPECT_EQ(apply(presence_penalty(0.5F), {1, 1, -kInf}, {0, 3, 1}), (Row{1, 0.5F, -kInf}));
  EXPECT_EQ(apply(frequency_penalty(0.5F), {1, 1, -kInf}, {0, 3, 1}), (Row{1, -0.5F, -kInf}));
  EXPECT_EQ(apply(frequency_penalty(-0.5F), {1, 1}, {0, 3}), (Row{1, 2.5F}));
}

TEST(SamplingSteps, BiasAddsAndBars) {
  EXPECT_EQ(apply(add_logit_bias({{1, 100.0F}, {2, -kInf}}, 4), {1, 2, 3, 4}),
            (Row{1, 102, -kInf, 4}));
}

TEST(SamplingSteps, MaskedTokensStayMaskedWhateverTheBias) {
  const LogitsStep mask = mask_tokens(std::array{0, 3}, 4), bias = add_logit_bias({{3, 100.0F}}, 4);
  EXPECT_EQ(kept([&](A l, A s) { return bias(mask(l, s), s); }, {9, 1, 2, 3}), (Ids{1, 2}));
}

TEST(SamplingSteps, NoStepMakesNanOfARowThatIsWhollyMasked) {
  const Row masked(4, -kInf), seen = {1, 0, 2, 0};
  for (const LogitsStep& step : {top_k(2), top_p(0.5F), min_p(0.5F), temperature(0.5F),
                                 repetition_penalty(2), presence_penalty(1), frequency_penalty(1),
                                 add_logit_bias({{0, 5.0F}}, 4), mask_tokens(std::array{1}, 4)}) {
    EXPECT_EQ(apply(step, masked, seen), masked);
  }
}

TEST(SamplingSteps, RowsAreCutIndependently) {
  const DeviceArray logits = rows({{1, 2, 3}, {3, 2, 1}, {0, 0, 0}}), seen = rows({Row(3, 0.0F)});
  EXPECT_EQ(values_of(top_k(1)(logits, seen)),
            (std::vector<Row>{{-kInf, -kInf, 3}, {3, -kInf, -kInf}, {0, -kInf, -kInf}}));
  EXPECT_EQ(values_of(top_p(0.5F)(logits, seen)),
            (std::vector<Row>{{-kInf, -kInf, 3}, {3, -kInf, -kInf}, {0, 0, -kInf}}));
  EXPECT_EQ(values_of(min_p(0.9F)(logits, seen)),
            (std::vector<Row>{{-kInf, -kInf, 3}, {3, -kInf, -kInf}, {0, 0, 0}}));
}

TEST(SamplingSteps, CutsComposeInAnyOrder) {
  const DeviceArray logits = rows({log_of({0.4F, 0.3F, 0.2F, 0.06F, 0.04F})}),
                    seen = rows({Row(5, 0.0F)});
  const auto after = [&](const LogitsStep& a, const LogitsStep& b) {
    return values_of(b(a(logits, seen), seen))[0];
  };
  // 0.4, 0.3, 0.2 hold 0.85 of the whole; of the first three alone 0.4, 0.3 hold only 0.78.
  EXPECT_EQ(after(top_k(3), top_p(0.85F)), after(top_p(0.85F), top_k(3)));
  // The order matters where the mass left over does: 0.4 / 0.7 >= 0.5, but 0.4 < 0.5.
  EXPECT_EQ(after(top_k(2), top_p(0.5F))[1], -kInf);
  EXPECT_NE(after(top_p(0.5F), top_k(2))[1], -kInf);
}

TEST(SamplingSteps, LargeVocabularyKeepsExactCounts) {
  const int V = 50304;
  Row logits(V);
  for (int i = 0; i < V; ++i)
    logits[static_cast<std::size_t>(i)] = static_cast<float>((i * 7919) % 1000) / 50;
  for (const int k : {1, 51, 1000, 50303}) {
    EXPECT_EQ(kept(top_k(k), logits).size(), static_cast<std::size_t>(k));
  }
}

}  // namespace
}  // namespace xlstm::mlx
