#include "xlstm/backend/top_tokens.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "tests/backend/backends.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

using Id = std::int32_t;
using Ids = std::vector<Id>;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

class TopTokensOf : public ::testing::TestWithParam<testing::BackendCase> {
 protected:
  std::vector<TopTokens> top(const std::vector<std::vector<float>>& rows, const Ids& chosen,
                             std::size_t n) {
    std::vector<float> flat;
    for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    const auto V = static_cast<std::int64_t>(rows.front().size());
    return b.top_tokens(b.floats({static_cast<std::int64_t>(rows.size()), V}, flat), chosen, n);
  }

  std::shared_ptr<Backend> backend_ = GetParam().make();
  Backend& b = *backend_;
};
INSTANTIATE_TEST_SUITE_P(Backends, TopTokensOf, ::testing::ValuesIn(testing::float32_backends()),
                         testing::backend_name);

// Sorted whole, sums in float64.
TopTokens truth(const std::vector<float>& row, Id chosen, std::size_t n) {
  double sum = 0;
  for (const float l : row) sum += std::exp(static_cast<double>(l));
  Ids order(row.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&](Id id) { return row[static_cast<std::size_t>(id)]; };
  std::stable_sort(order.begin(), order.end(), [&](Id a, Id b) { return at(a) > at(b); });
  TopTokens out;
  for (const Id id : order) {
    if (out.ids.size() == n || at(id) == -kInf) break;
    out.ids.push_back(id);
    out.log_probabilities.push_back(static_cast<float>(at(id) - std::log(sum)));
  }
  out.chosen = static_cast<float>(at(chosen) - std::log(sum));
  return out;
}

TEST_P(TopTokensOf, EveryRowIsTheTruth) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 3);
  for (const std::size_t V : {1, 5, 63, 64, 65, 1000, 50'304}) {
    std::vector<std::vector<float>> rows(3, std::vector<float>(V));
    for (auto& row : rows) {
      for (float& l : row) l = std::round(normal(random) * 8) / 8;  // equals among them
    }
    if (V > 5) rows[1][3] = rows[1][V - 1] = -kInf;
    const Ids chosen = {0, static_cast<Id>(V / 2), static_cast<Id>(V - 1)};
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{20}, V, V + 3}) {
      if (n > 1000) continue;
      const auto got = top(rows, chosen, n);
      ASSERT_EQ(got.size(), 3U);
      for (std::size_t t = 0; t < 3; ++t) {
        const TopTokens want = truth(rows[t], chosen[t], n);
        EXPECT_EQ(got[t].ids, want.ids) << V << " " << n;
        // of log_sum_exp (kernels/choose/choose.h), and of two roundings of numbers below 64
        const double bound = 0x1p-24 * (std::log(static_cast<double>(V)) + 3) + 2 * 64 * 0x1p-24;
        EXPECT_NEAR(got[t].chosen, want.chosen, bound);
        ASSERT_EQ(got[t].log_probabilities.size(), want.ids.size());
        for (std::size_t i = 0; i < want.ids.size(); ++i) {
          EXPECT_NEAR(got[t].log_probabilities[i], want.log_probabilities[i], bound);
        }
      }
    }
  }
}

TEST_P(TopTokensOf, AllOfTheMassIsALogProbabilityOfNothing) {
  std::vector<float> row(200, -kInf);
  row[150] = -3;
  const TopTokens only = top({row}, {0}, 5).front();
  EXPECT_EQ(only.ids, Ids{150});
  EXPECT_EQ(only.log_probabilities, std::vector<float>{0});
  EXPECT_EQ(only.chosen, -kInf);
}

TEST_P(TopTokensOf, RowsThatAreNoDistributionHaveNone) {
  std::vector<std::vector<float>> rows(4, std::vector<float>(100, 1));
  rows[0][99] = kNan;
  rows[1][0] = kInf;
  rows[2].assign(100, -kInf);
  const auto got = top(rows, {1, 2, 3, kNoToken}, 2);
  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_TRUE(got[t].ids.empty()) << t;
    EXPECT_TRUE(got[t].log_probabilities.empty()) << t;
    EXPECT_TRUE(std::isnan(got[t].chosen)) << t;
  }
  EXPECT_EQ(got[3].ids, (Ids{0, 1}));
  EXPECT_TRUE(std::isnan(got[3].chosen));
}

TEST_P(TopTokensOf, WrongInputsAreRefused) {
  const Tensor logits = b.filled({2, 10}, 0);
  const auto kind_of = [&](const Ids& chosen) {
    try {
      b.top_tokens(logits, chosen, 1);
    } catch (const Error& error) {
      return std::optional(error.kind());
    }
    return std::optional<ErrorKind>();
  };
  EXPECT_EQ(kind_of({0, 9}), std::nullopt);
  EXPECT_EQ(kind_of({0}), ErrorKind::kInternal);
  EXPECT_EQ(kind_of({0, 10}), ErrorKind::kUsage);
  EXPECT_EQ(kind_of({-2, 0}), ErrorKind::kUsage);
}

}  // namespace
}  // namespace xlstm
