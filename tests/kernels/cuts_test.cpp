#include "xlstm/kernels/cuts/cuts.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/kernels/op_cases.h"

namespace xlstm::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kMost = std::numeric_limits<float>::max();

const std::vector<std::size_t> kWidths = {1,   2,   15,  16,  17,  63,   64,    65,    127,
                                          128, 129, 255, 256, 257, 1000, 4'097, 50'304};

// Kinds of rows that are hard in ways of their own.
enum class Kind { kNormal, kFewValues, kAllEqual, kOutliers, kNeighbours, kMostlyMasked, kZeros };
const std::vector<Kind> kKinds = {Kind::kNormal,   Kind::kFewValues,  Kind::kAllEqual,
                                  Kind::kOutliers, Kind::kNeighbours, Kind::kMostlyMasked,
                                  Kind::kZeros};

float logit_of(Kind kind, std::mt19937_64& random) {
  std::normal_distribution<float> normal(0, 2);
  switch (kind) {
    case Kind::kNormal:
      return normal(random);
    case Kind::kFewValues:
      return static_cast<float>(random() % 7) / 2;
    case Kind::kAllEqual:
      return -3.25F;
    case Kind::kOutliers:
      return random() % 20 == 0 ? (random() % 2 == 0 ? -kMost : 1e30F) : normal(random);
    case Kind::kNeighbours:  // the next floats above 1, and above 0
      return random() % 2 == 0 ? 1 + static_cast<float>(random() % 3) * 0x1p-23F
                               : static_cast<float>(random() % 3) * 0x1p-149F;
    case Kind::kMostlyMasked:
      return random() % 10 == 0 ? normal(random) : -kInf;
    case Kind::kZeros:
      return random() % 2 == 0 ? 0.0F : -0.0F;
  }
  return 0;
}

// At least one logit is finite.
std::vector<float> row_of(Kind kind, std::size_t V) {
  std::mt19937_64 random(V * 10 + static_cast<std::size_t>(kind));
  std::vector<float> row(V);
  for (float& l : row) l = logit_of(kind, random);
  if (row[V / 2] == -kInf) row[V / 2] = 1;
  return row;
}

template <class Check>
void for_each_row(const Check& check) {
  testing::for_each_simd_target([&](const char* target) {
    std::size_t at = 0;
    for (const std::size_t V : kWidths) {
      for (const Kind kind : kKinds) {
        if (at++ % testing::kCaseStep != 0) continue;
        SCOPED_TRACE(std::string(target) + ", V " + std::to_string(V) + ", kind " +
                     std::to_string(static_cast<int>(kind)));
        check(row_of(kind, V));
      }
    }
  });
}

std::size_t blocks_of(std::size_t V) {
  return (V + kMaximaBlock - 1) / kMaximaBlock;
}

void expect_equal(const Cut& got, const Cut& want) {
  EXPECT_EQ(got.least, want.least);
  EXPECT_EQ(got.kept, want.kept);
  EXPECT_EQ(got.dropped, want.dropped);
}

TEST(Cuts, BlockMaximaAreTheReferences) {
  for_each_row([](const std::vector<float>& row) {
    std::vector<float> got(blocks_of(row.size())), want = got;
    const float most = block_maxima(row.data(), row.size(), got.data());
    EXPECT_EQ(most, block_maxima_reference(row.data(), row.size(), want.data()));
    EXPECT_EQ(got, want);
  });
}

TEST(Cuts, OneNanIsFoundWhereverItIs) {
  testing::for_each_simd_target([](const char* target) {
    for (const std::size_t V : {1, 17, 128, 300}) {
      for (std::size_t at = 0; at < V; ++at) {
        std::vector<float> row(V, 2.0F), maxima(blocks_of(V));
        row[at] = kNan;
        EXPECT_TRUE(std::isnan(block_maxima(row.data(), V, maxima.data()))) << target << at;
      }
    }
  });
}

TEST(Cuts, WhatIsCollectedIsTheReferences) {
  for_each_row([](const std::vector<float>& row) {
    const std::size_t V = row.size();
    std::vector<float> maxima(blocks_of(V));
    const float most = block_maxima(row.data(), V, maxima.data());
    for (const float least : {-kInf, -1.0F, 0.0F, row[V / 2], most, kMost}) {
      std::vector<float> got(V), want(V);
      std::vector<std::int32_t> got_ids(V), want_ids(V);
      const std::size_t count =
          collect(row.data(), V, maxima.data(), least, got.data(), got_ids.data());
      ASSERT_EQ(count, collect_reference(row.data(), V, least, want.data(), want_ids.data()));
      for (auto* each : {&got, &want}) each->resize(count);
      for (auto* each : {&got_ids, &want_ids}) each->resize(count);
      EXPECT_EQ(got, want);
      EXPECT_EQ(got_ids, want_ids);
    }
  });
}

TEST(Cuts, MasksKeepWhatTheReferenceKeeps) {
  testing::for_each_simd_target([](const char* target) {
    for (const std::size_t V : kWidths) {
      const auto row = row_of(Kind::kNormal, V);
      std::mt19937_64 random(V);
      std::vector<std::uint64_t> allowed((V + 63) / 64);
      for (std::uint64_t& word : allowed) word = random();
      allowed.front() = random() % 2 == 0 ? 0 : ~std::uint64_t{0};
      testing::GuardedRows got(1, V, V, 1);
      std::vector<float> want(V);
      keep_allowed(row.data(), V, allowed.data(), got.data());
      keep_allowed_reference(row.data(), V, allowed.data(), want.data());
      EXPECT_EQ(got.values(), want) << target << V;
      EXPECT_TRUE(got.intact()) << target << V;
    }
  });
}

TEST(Cuts, TheLikeliestKEndWhereTheReferenceSays) {
  for_each_row([](const std::vector<float>& row) {
    const std::size_t V = row.size();
    for (const std::size_t k :
         {std::size_t{1}, std::size_t{2}, std::size_t{50}, V / 3 + 1, V, V + 7}) {
      testing::GuardedRows work(1, V, V, 1);
      SCOPED_TRACE("k " + std::to_string(k));
      expect_equal(cut_at_count(row.data(), V, k, work.data()),
                   cut_at_count_reference(row.data(), V, k));
      EXPECT_TRUE(work.intact());
    }
  });
}

// How many of the likeliest are left, and whether a cut may keep so many: p between the masses
// before and after the last, within the error that the header derives. The truth's sums add V
// 2^-53.
std::size_t kept_of(const std::vector<float>& row, const Cut& cut) {
  std::size_t above = 0;
  for (const float l : row) above += l > cut.least ? 1 : 0;
  return above + cut.kept;
}

void expect_cut_of(double p, const std::vector<float>& row, double temperature, const Cut& cut) {
  const auto V = static_cast<double>(row.size());
  const double bound = 0x1p-24 * (std::log(V) + 5) + V * 0x1p-126 + V * 0x1p-52;
  std::vector<float> sorted;
  for (const float l : row) {
    if (l != -kInf) sorted.push_back(l);
  }
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const auto weight = [&](float l) {
    return std::exp((static_cast<double>(l) - static_cast<double>(sorted[0])) / temperature);
  };
  double total = 0, before = 0;
  for (const float l : sorted) total += weight(l);
  const std::size_t kept = kept_of(row, cut);
  ASSERT_GE(kept, 1U);
  ASSERT_LE(kept, sorted.size());
  EXPECT_EQ(sorted[kept - 1], cut.least);
  const auto equals = static_cast<std::size_t>(std::count(row.begin(), row.end(), cut.least));
  EXPECT_EQ(cut.kept + cut.dropped, equals);
  for (std::size_t i = 0; i + 1 < kept; ++i) before += weight(sorted[i]) / total;
  EXPECT_TRUE(kept == 1 || before < p + bound) << before;
  const double after = before + weight(sorted[kept - 1]) / total;
  EXPECT_TRUE(kept == sorted.size() || after >= p - bound) << after;
}

TEST(Cuts, AMassEndsWhereItIsReached) {
  for_each_row([](const std::vector<float>& row) {
    const std::size_t V = row.size();
    const float most = *std::max_element(row.begin(), row.end());
    for (const float temperature : {1.0F, 0.8F, 30.0F, 1e-20F, 1e30F}) {
      for (const float p : {1e-9F, 0.1F, 0.5F, 0.9F, 0.999999F, 1.0F}) {
        SCOPED_TRACE("temperature " + std::to_string(temperature) + ", p " + std::to_string(p));
        testing::GuardedRows work(1, V, V, 1);
        expect_cut_of(p, row, temperature,
                      cut_at_mass(row.data(), V, most, temperature, p, work.data()));
        EXPECT_TRUE(work.intact());
      }
    }
  });
}

// Weights of equal logits are exactly 1, and so are their sums.
TEST(Cuts, AMassOfEqualsIsExact) {
  testing::for_each_simd_target([](const char* target) {
    for (const std::size_t V : {4, 128, 1024, 65'536}) {
      const std::vector<float> row(V, -7.5F);
      std::vector<float> work(V);
      for (const double p : {0.25, 0.5, 0.75, 1.0}) {
        SCOPED_TRACE(std::string(target) + " " + std::to_string(V));
        const auto kept = static_cast<std::size_t>(p * static_cast<double>(V));
        expect_equal(cut_at_mass(row.data(), V, -7.5F, 0.7F, p, work.data()),
                     {-7.5F, kept, V - kept});
        expect_equal(cut_at_mass_reference(row.data(), V, 0.7, p), {-7.5F, kept, V - kept});
      }
    }
  });
}

}  // namespace
}  // namespace xlstm::kernels
